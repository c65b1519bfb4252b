"""Clients of a server: decisions and customers (blocking and asyncio), and operators' calls."""
