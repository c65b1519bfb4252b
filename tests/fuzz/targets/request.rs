//! Whatever a caller sends is refused or answered: requests of every kind, decoded, checked, decided and answered.
//!
//! The first byte chooses the kind. The bundle is that of the demo bank, at `FUZZ_BUNDLE`.

#![no_main]

use std::{env, fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use nextbest_engine::{Bundle, Capsule, Change, Moment, NoModels, Request, check_customer, decide};
use nextbest_proto::{
    count::{Shaped, count},
    v1,
};
use prost::Message;

/// What a server lets an answer have.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    let path = env::var_os("FUZZ_BUNDLE").expect("FUZZ_BUNDLE names a bundle file");
    Bundle::open(&fs::read(path).expect("the bundle can be read")).expect("the bundle can be opened")
});
const MOMENT: Moment = Moment {
    now_us: 1_780_315_200_000_000,
    seed: 7,
};

fuzz_target!(|data: &[u8]| {
    let Some((kind, message)) = data.split_first() else {
        return;
    };
    match kind % 4 {
        0 => {
            if let Some(message) = read::<v1::DecideRequest>(message) {
                answer(Request::check(&BUNDLE, message).ok(), None);
            }
        }
        1 => {
            if let Some(message) = read::<v1::ExplainRequest>(message) {
                answer(Request::check_explain(&BUNDLE, message).ok(), None);
            }
        }
        2 => {
            for customer in read::<v1::UpsertRequest>(message).unwrap_or_default().customers {
                let _ = check_customer(&BUNDLE, customer);
            }
        }
        _ => batch(read::<v1::DecideBatchRequest>(message).unwrap_or_default()),
    }
});

/// As the server reads: counted first, then decoded.
fn read<T: Shaped>(message: &[u8]) -> Option<T> {
    count(message, T::SHAPE?).ok()?;
    T::decode(message).ok()
}

fn batch(batch: v1::DecideBatchRequest) {
    let question = batch.question.unwrap_or_default();
    for customer in batch.customers.into_iter().take(4) {
        let asked = v1::DecideRequest {
            customer_id: customer.customer_id,
            ..question.clone()
        };
        let stored = v1::Customer {
            customer_id: "c".into(),
            attributes: customer.customer,
        };
        let stored = check_customer(&BUNDLE, stored).ok();
        answer(Request::check(&BUNDLE, asked).ok(), stored);
    }
}

fn answer(request: Option<Request>, stored: Option<v1::Customer>) {
    let Some(request) = request else { return };
    let capsule = stored.and_then(|customer| {
        let change = Change::of_attributes(&customer.attributes).ok()?;
        Capsule::default().apply(&change).ok()
    });
    let mut decision = decide(&BUNDLE, &request, capsule.as_ref(), MOMENT, &mut NoModels);
    decision.advise(&mut NoModels);
    let Ok(response) = decision.respond(ANSWER_BYTES_MAX) else {
        return;
    };
    assert!(response.encoded_len() <= ANSWER_BYTES_MAX);
    assert!(response.placements.len() <= nextbest_engine::PLACEMENTS_MAX);
    assert_eq!(
        v1::DecideResponse::decode(response.encode_to_vec().as_slice()),
        Ok(response)
    );
}
