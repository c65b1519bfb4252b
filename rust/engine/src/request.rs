//! `DecideRequest` + bundle -> [`Request`]: every name resolved, every value typed, every limit kept.

mod attribute;
mod error;

#[cfg(test)]
mod tests;

use nextbest_proto::v1;

pub(crate) use attribute::{Sent, accepts, check_attributes, find_next as find_next_attribute};
pub use error::RequestError;

use crate::{
    bundle::Bundle,
    id::{ActionId, ChannelId, Id, PlacementId},
    limits::{
        CONTEXT_ATTRIBUTES_MAX, CONTRIBUTED_ACTIONS_DEFAULT, CONTRIBUTED_ACTIONS_MAX,
        CUSTOMER_ATTRIBUTES_MAX, CUSTOMER_ID_BYTES_MAX, EXPLAINED_ACTIONS_MAX, EXPLAINED_CONTRIBUTIONS_MAX,
        PLACEMENT_COUNT_MAX, PLACEMENTS_MAX,
    },
    native::Method,
    tables::{Channel, Root},
    value::{TIMESTAMP_US_MAX, TIMESTAMP_US_MIN},
};

/// The time and the seed of a decision; the engine reads neither clock nor randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970.
    pub now_us: i64,
    /// Any number.
    pub seed: u64,
}

/// A placement as requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedPlacement {
    /// Which, among those of the channel.
    pub placement: PlacementId,
    /// How many actions at most; at least 1.
    pub count: u32,
}

/// A request that can be decided. Made for one bundle, and good for that one only.
#[derive(Debug)]
pub struct Request {
    pub(crate) customer_id: String,
    /// Of the customer and of the context.
    pub(crate) sent: Vec<Sent>,
    pub(crate) channel: ChannelId,
    pub(crate) placements: Vec<RequestedPlacement>,
    pub(crate) dry_run: bool,
    pub(crate) explanation: v1::ExplanationLevel,
    /// In the order of the bundle; empty: every action.
    pub(crate) explained: Vec<ActionId>,
    pub(crate) contributions: RequestedContributions,
    pub(crate) now_us: Option<i64>,
    pub(crate) seed: Option<u64>,
}

/// Which contributions are asked for.
#[derive(Debug)]
pub(crate) struct RequestedContributions {
    /// None: none are.
    pub(crate) method: Option<Method>,
    /// For this number of the best actions placed.
    pub(crate) top: u32,
    /// Of explained actions as well.
    pub(crate) of_explained: bool,
}

impl RequestedContributions {
    pub(crate) fn none() -> Self {
        Self {
            method: None,
            top: 0,
            of_explained: false,
        }
    }
}

impl Request {
    /// Checks a `Decide` request against the bundle.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(bundle: &Bundle, message: v1::DecideRequest) -> Result<Self, RequestError> {
        check_customer_id(&message.customer_id)?;
        let mut sent = check_attributes(
            bundle,
            Root::Customer,
            "customer",
            CUSTOMER_ATTRIBUTES_MAX,
            message.customer,
        )?;
        sent.extend(check_attributes(
            bundle,
            Root::Context,
            "context",
            CONTEXT_ATTRIBUTES_MAX,
            message.context,
        )?);
        let (channel, row) = channel(bundle, &message.channel)?;
        let placements = placements(row, &message.placements)?;
        let explanation = v1::ExplanationLevel::try_from(message.explanation)
            .map_err(|_| RequestError::new("explanation", format!("no level {}", message.explanation)))?;
        let contributions = contributions(message.contributions, message.contributions_top)?;
        if !message.dry_run {
            absent("now_us", message.now_us.is_none())?;
            absent("seed", message.seed.is_none())?;
        }
        if message
            .now_us
            .is_some_and(|now_us| !(TIMESTAMP_US_MIN..=TIMESTAMP_US_MAX).contains(&now_us))
        {
            return Err(RequestError::new(
                "now_us",
                "outside the years 0001 to 9999".to_owned(),
            ));
        }
        Ok(Self {
            customer_id: message.customer_id,
            sent,
            channel,
            placements,
            dry_run: message.dry_run,
            explanation,
            explained: Vec::new(),
            contributions,
            now_us: message.now_us,
            seed: message.seed,
        })
    }

    /// Checks an `Explain` request: decided as a dry run, with a full explanation of the named actions.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check_explain(bundle: &Bundle, message: v1::ExplainRequest) -> Result<Self, RequestError> {
        let Some(mut decide) = message.decide else {
            return Err(RequestError::new("decide", "missing".to_owned()));
        };
        limit("actions", message.actions.len(), EXPLAINED_ACTIONS_MAX)?;
        decide.dry_run = true;
        decide.explanation = v1::ExplanationLevel::Full.into();
        let mut request = Self::check(bundle, decide).map_err(|error| error.within("decide"))?;
        request.contributions.of_explained = true;
        if request.contributions.method.is_some() && message.actions.len() > EXPLAINED_CONTRIBUTIONS_MAX {
            let problem = format!(
                "{} entries: at most {EXPLAINED_CONTRIBUTIONS_MAX} with contributions",
                message.actions.len()
            );
            return Err(RequestError::new("actions", problem));
        }
        for (index, name) in message.actions.iter().enumerate() {
            let found = bundle
                .actions
                .rows()
                .binary_search_by(|action| action.name.as_str().cmp(name));
            let Ok(found) = found else {
                let names = bundle.actions.rows().iter().map(|action| action.name.as_str());
                return Err(RequestError::unknown(
                    format!("actions[{index}]"),
                    "action",
                    name,
                    names,
                ));
            };
            request.explained.push(id(found));
        }
        request.explained.sort_unstable();
        request.explained.dedup();
        Ok(request)
    }

    /// The server's time and seed, save where a dry run brings its own.
    pub(crate) fn moment(&self, server: Moment) -> Moment {
        Moment {
            now_us: self.now_us.unwrap_or(server.now_us),
            seed: self.seed.unwrap_or(server.seed),
        }
    }

    /// Whose stored attributes to read; empty for an anonymous customer.
    #[must_use]
    pub fn customer_id(&self) -> &str {
        &self.customer_id
    }

    /// Whether the decision leaves no trace in the customer's state.
    #[must_use]
    pub fn dry_run(&self) -> bool {
        self.dry_run
    }
}

/// An id of a row that was found in its table.
#[expect(
    clippy::cast_possible_truncation,
    reason = "tables are far below 2^32 rows: see the bundle's limits"
)]
fn id<I: Id>(index: usize) -> I {
    I::from_index(index as u32)
}

pub(crate) fn check_customer_id(customer_id: &str) -> Result<(), RequestError> {
    if customer_id.len() > CUSTOMER_ID_BYTES_MAX {
        let problem = format!(
            "{} bytes long: at most {CUSTOMER_ID_BYTES_MAX}",
            customer_id.len()
        );
        return Err(RequestError::new("customer_id", problem));
    }
    Ok(())
}

fn limit(field: &str, count: usize, count_max: usize) -> Result<(), RequestError> {
    if count > count_max {
        return Err(RequestError::new(
            field,
            format!("{count} entries: at most {count_max}"),
        ));
    }
    Ok(())
}

fn contributions(level: i32, top: u32) -> Result<RequestedContributions, RequestError> {
    let level = v1::ContributionLevel::try_from(level)
        .map_err(|_| RequestError::new("contributions", format!("no level {level}")))?;
    if top > CONTRIBUTED_ACTIONS_MAX {
        let problem = format!("{top}: at most {CONTRIBUTED_ACTIONS_MAX}");
        return Err(RequestError::new("contributions_top", problem));
    }
    Ok(RequestedContributions {
        method: match level {
            v1::ContributionLevel::Unspecified | v1::ContributionLevel::None => None,
            v1::ContributionLevel::Fast => Some(Method::Fast),
            v1::ContributionLevel::Exact => Some(Method::Exact),
        },
        top: if top == 0 {
            CONTRIBUTED_ACTIONS_DEFAULT
        } else {
            top
        },
        of_explained: false,
    })
}

fn absent(field: &str, absent: bool) -> Result<(), RequestError> {
    if absent {
        return Ok(());
    }
    Err(RequestError::new(field, "only with `dry_run`".to_owned()))
}

fn channel<'a>(bundle: &'a Bundle, name: &str) -> Result<(ChannelId, &'a Channel), RequestError> {
    if name.is_empty() {
        return Err(RequestError::new("channel", "missing".to_owned()));
    }
    let found = bundle.channels.iter().find(|(_, channel)| channel.name == name);
    found.ok_or_else(|| {
        let names = bundle.channels.rows().iter().map(|channel| channel.name.as_str());
        RequestError::unknown("channel".to_owned(), "channel", name, names)
    })
}

fn placements(
    channel: &Channel,
    messages: &[v1::PlacementRequest],
) -> Result<Vec<RequestedPlacement>, RequestError> {
    if messages.is_empty() {
        return Err(RequestError::new(
            "placements",
            "missing: name at least one".to_owned(),
        ));
    }
    limit("placements", messages.len(), PLACEMENTS_MAX)?;
    let mut requested: Vec<RequestedPlacement> = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let (placement, count) =
            placement(channel, message).map_err(|error| error.within(&format!("placements[{index}]")))?;
        if requested.iter().any(|earlier| earlier.placement == placement) {
            return Err(RequestError::duplicate(
                format!("placements[{index}].name"),
                &message.name,
            ));
        }
        requested.push(RequestedPlacement { placement, count });
    }
    Ok(requested)
}

fn placement(channel: &Channel, message: &v1::PlacementRequest) -> Result<(PlacementId, u32), RequestError> {
    let found = channel
        .placements
        .iter()
        .find(|(_, placement)| placement.name == message.name);
    let Some((id, placement)) = found else {
        let names = channel
            .placements
            .rows()
            .iter()
            .map(|placement| placement.name.as_str());
        return Err(RequestError::unknown(
            "name".to_owned(),
            "placement",
            &message.name,
            names,
        ));
    };
    match message.count {
        0 => Ok((id, placement.count)),
        count if count <= PLACEMENT_COUNT_MAX => Ok((id, count)),
        count => Err(RequestError::new(
            "count",
            format!("{count}: at most {PLACEMENT_COUNT_MAX}"),
        )),
    }
}
