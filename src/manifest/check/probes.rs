//! `probes`: each by itself, and that no two of them would write the same scores.

use super::findings::Findings;
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::{Experiment, Probe};

pub(super) fn check(e: &Experiment, found: &mut Findings) {
    // Known before the data are opened where they are made.
    let test_clips = e.data.synthetic.as_ref().map(|synthetic| synthetic.clips.2);
    once(&e.probes, test_clips, found);
    for (i, probe) in e.probes.iter().enumerate() {
        probe.check(&e.modalities, &format!("probes[{i}]"), found);
    }
}

/// Per-example files tell the probes of one kind apart by nothing but their own columns.
pub(super) fn once(probes: &[Probe], test_clips: Option<usize>, found: &mut Findings) {
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
