//! Headers in, parents or nothing out.

use crate::Parent;

const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn parse(traceparent: &str) -> Option<Parent> {
    Parent::parse(traceparent.as_bytes(), b"")
}

#[test]
fn a_valid_header_is_the_parent() {
    let parent = Parent::parse(VALID.as_bytes(), b"congo=t61rcWkgMzE").unwrap();
    assert_eq!(
        parent.trace_id,
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()
    );
    assert_eq!(parent.span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(parent.flags, 1);
    assert_eq!(parent.tracestate, "congo=t61rcWkgMzE");
}

#[test]
fn a_later_version_may_say_more() {
    let later = VALID.replacen("00", "cc", 1);
    assert!(parse(&later).is_some());
    assert!(parse(&format!("{later}-what-the-future-holds")).is_some());
    assert_eq!(parse(&format!("{later}.what")), None);
}

#[test]
fn anything_else_is_no_parent() {
    let zero_trace = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
    let zero_span = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
    let refused = [
        "",
        "00",
        &VALID[..54],
        &format!("{VALID}-more"),
        &format!(" {VALID}"),
        &VALID.to_uppercase(),
        &VALID.replacen("00", "ff", 1),
        &VALID.replacen("00", "0x", 1),
        &VALID.replace('-', "_"),
        &VALID.replace("0af7", "zaf7"),
        zero_trace,
        zero_span,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é01",
    ];
    for header in refused {
        assert_eq!(parse(header), None, "{header}");
    }
}

#[test]
fn a_bad_tracestate_does_not_cost_the_parent() {
    for tracestate in ["x".repeat(513), "a=\u{7f}".into(), "a=\n".into()] {
        let parent = Parent::parse(VALID.as_bytes(), tracestate.as_bytes()).unwrap();
        assert_eq!(parent.tracestate, "");
    }
}
