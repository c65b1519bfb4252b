//! Whatever a bundle file holds behind its checksum is refused or decided by: opened, and asked for all that its
//! channels offer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nextbest_engine::{Bundle, FORMAT, MAGIC, Moment, NoModels, Request, decide};
use nextbest_proto::v1;
use prost::Message;
use sha2::{Digest as _, Sha256};

fuzz_target!(|payload: &[u8]| {
    // As they come: the checksum hardly ever fits.
    let _ = Bundle::open(payload);
    let Ok(bundle) = Bundle::open(&seal(payload)) else {
        return;
    };
    let message = v1::Bundle::decode(payload).expect("it was opened");
    for channel in message.channels {
        let asked = v1::DecideRequest {
            channel: channel.name,
            placements: channel
                .placements
                .into_iter()
                .map(|placement| v1::PlacementRequest {
                    name: placement.name,
                    count: 0,
                })
                .collect(),
            explanation: v1::ExplanationLevel::Full.into(),
            ..v1::DecideRequest::default()
        };
        if let Ok(request) = Request::check(&bundle, asked) {
            let moment = Moment { now_us: 0, seed: 7 };
            let mut decision = decide(&bundle, &request, None, moment, &mut NoModels);
            decision.advise(&mut NoModels);
            let _ = decision.respond(usize::MAX);
        }
    }
});

fn seal(payload: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(FORMAT.to_le_bytes());
    file.extend((payload.len() as u64).to_le_bytes());
    file.extend(payload);
    let checksum = Sha256::digest(&file);
    file.extend(checksum);
    file
}
