//! `probes`: each by itself, and that no two of them would write the same scores.

use super::findings::Findings;
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::{Experiment, Probe};

pub(super) fn check(e: &Experiment, found: &mut Findings) {
    // Known before the data are opened where they are made.
    let test_clips = e.data.synthetic.as_ref().map(|synthetic| synthetic.clips.2);
    on_data(e, test_clips, found);
    for (i, probe) in e.probes.iter().enumerate() {
        probe.check(&e.modalities, &format!("probes[{i}]"), found);
    }
}

/// What the number of test clips decides, if it is known.
pub(super) fn on_data(e: &Experiment, test_clips: Option<usize>, found: &mut Findings) {
    once(&e.probes, test_clips, found);
    for (i, probe) in e.probes.iter().enumerate() {
        let (Probe::Retrieval { gallery, .. }, Some(clips)) = (probe, test_clips) else { continue };
        let at = format!("probes[{i}].gallery");
        if *gallery > clips {
            found.push(
                Finding::error(&at, "the gallery is larger than the test split")
                    .found(gallery)
                    .expected(format!("0 (all test clips), or at most {clips}")),
            );
        }
        if (1..clips).contains(gallery) && u32::try_from(e.seeds.probes).is_err() {
            found.push(
                Finding::error("seeds.probes", "the gallery's clips cannot be drawn with this seed")
                    .found(e.seeds.probes)
                    .expected("below 2^32, as numpy's RandomState takes it, or `gallery: 0`"),
            );
        }
    }
}

/// Per-example files tell the probes of one kind apart by nothing but their own columns.
fn once(probes: &[Probe], test_clips: Option<usize>, found: &mut Findings) {
    for (i, probe) in probes.iter().enumerate() {
        let Some(first) = probes[..i].iter().position(|earlier| earlier.overlaps(probe, test_clips)) else {
            continue;
        };
        let what = if probes[first] == *probe { "the same probe as" } else { "measures the same as" };
        found.push(
            Finding::error(format!("probes[{i}]"), format!("{what} probes[{first}]"))
                .help("their scores would be mixed: put both into one probe, or keep one"),
        );
    }
}
