//! Per-example scores: as the rows of every probe, and what is made of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nano4m::metrics::catalogue::{self, Visitor, PROBES};
use nano4m::metrics::scored::compared;
use nano4m::metrics::{rows, ScoreRow};

struct Rows<'a>(&'a [u8]);

impl Visitor for Rows<'_> {
    type Output = ();

    fn visit<R: ScoreRow>(self) {
        scratch::file(R::FILE, self.0);
        if let Ok(Some(rows)) = rows::read::<R>(scratch::folder()) {
            for (key, clips) in compared(&rows, 4) {
                assert!(!key.is_empty() && !clips.is_empty());
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    for probe in PROBES {
        catalogue::visit(probe.name, Rows(bytes));
    }
});
