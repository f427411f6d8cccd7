//! Two hand-made run directories against each other. That one is intact is tried on real runs (`tests/cli/tamper.rs`).

use super::*;
use crate::record::{FileDigest, Record};
use crate::store::tensors::{self, NamedTensor};
use crate::store::{RunDir, RunId};
use std::path::Path;

/// A run directory with one tensor `w` per half, digested at steps 1 and 2, with a checkpoint at each.
fn run(root: &Path, name: &str, w: f32) -> RunDir {
    let run = RunDir::create(root, RunId::new(name, "0123456789", 1)).unwrap();
    let tensor = |name: &str| NamedTensor { name: name.into(), shape: vec![1], values: vec![w] };
    for step in [1, 2] {
        let position = format!(r#"{{"step": {step}, "tokens": 7, "digest": "aa"}}"#);
        tensors::write(&run.checkpoint(step), &[tensor("w")], None).unwrap();
        tensors::write(&run.optimizer(step), &[tensor("m.w")], Some(&position)).unwrap();
    }
    let digests = format!("step,tensor,digest\n1,*,aa\n1,w,ab\n1,m.w,ac\n2,*,{w}\n2,w,{w}\n2,m.w,ad\n");
    run.write("digests.csv", digests.as_bytes()).unwrap();
    let metrics = format!("step,loss,tokens_per_s\n1,0.5,{w}\n2,{w},7\n");
    run.write("metrics.csv", metrics.as_bytes()).unwrap();
    run.write("eval.csv", b"step,modality,tokens,ce_nats\n2,a,3,0.5\n2,b,3,0.25\n").unwrap();
    run.write("probes/x.csv", b"clip,n\na,1\n").unwrap();
    run
}

fn lines(findings: &Findings) -> Vec<String> {
    findings.differences.iter().map(|d| d.to_string()).collect()
}

#[test]
fn equal_runs_have_the_same_bits() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (run(root.path(), "a", 1.0), run(root.path(), "b", 1.0));
    let findings = compare(&a, &b).unwrap();
    assert_eq!(lines(&findings), [""; 0]);
    assert_eq!(findings.checked.len(), 6, "{:?}", findings.checked);
}

#[test]
fn the_first_step_and_tensor_that_differ_are_named() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (run(root.path(), "a", 1.0), run(root.path(), "b", 2.0));
    b.write("probes/x.csv", b"clip,n\na,2\n").unwrap();
    let found = lines(&compare(&a, &b).unwrap());
    assert_eq!(found[0], "digests.csv, step 2, tensor w: 1 ≠ 2");
    assert_eq!(found[1], "metrics.csv, step 2, column loss: 1 ≠ 2", "times do not count");
    assert!(found[2].starts_with("checkpoints/step-00000001.safetensors, step 1, tensor w: "), "{found:?}");
    assert!(found[3].contains("optimizer.safetensors, step 1, tensor m.w: "), "{found:?}");
    assert!(found[4].starts_with("checkpoints/step-00000002.safetensors"), "{found:?}");
    assert_eq!(found[6], "probes/x.csv:2: a,1 ≠ a,2");
}

/// What the second run lacks, and what it has beside: a change to its folder, and what is said.
#[test]
fn what_one_of_two_runs_lacks_is_a_difference() {
    type Change = fn(&RunDir);
    let cases: [(Change, &str); 11] = [
        (|b| b.remove_checkpoint(1).unwrap(), "checkpoints/: 1 checkpoint (step 1) ≠ missing"),
        (
            |b| [1, 2].iter().for_each(|step| b.remove_checkpoint(*step).unwrap()),
            "checkpoints/: 2 checkpoints (step 1, 2) ≠ missing",
        ),
        (
            |b| std::fs::remove_file(b.file("probes/x.csv")).unwrap(),
            "probes/: 1 file (probes/x.csv) ≠ missing",
        ),
        (|b| b.write("probes/y.csv", b"clip\n").unwrap(), "probes/: missing ≠ 1 file (probes/y.csv)"),
        (
            |b| b.write("digests.csv", b"step,tensor,digest\n1,*,aa\n1,w,ab\n1,m.w,ac\n").unwrap(),
            "digests.csv: 1 step (2) ≠ missing",
        ),
        (
            |b| {
                b.write("digests.csv", b"step,tensor,digest\n1,*,aa\n1,w,ab\n2,*,1\n2,w,1\n2,m.w,ad\n")
                    .unwrap()
            },
            "digests.csv, step 1, tensor m.w: ac ≠ missing",
        ),
        (
            |b| b.write("metrics.csv", b"step,loss,tokens_per_s\n2,1,7\n").unwrap(),
            "metrics.csv: 1 row (step 1) ≠ missing",
        ),
        (
            |b| b.write("eval.csv", b"step,modality,tokens,ce_nats\n2,b,3,0.25\n").unwrap(),
            "eval.csv: 1 row (step 2) ≠ missing",
        ),
        (
            |b| b.write("metrics.csv", b"step,loss,tokens_per_s\n1,0.5,1\n1,0.5,1\n2,1,7\n").unwrap(),
            "metrics.csv: 2 rows, 2 of them different ones ≠ 3 rows, 2 of them different ones",
        ),
        (|b| std::fs::remove_file(b.file("eval.csv")).unwrap(), "eval.csv: there ≠ missing"),
        (
            |b| b.write("record.json", &crate::record::sample().to_json().unwrap()).unwrap(),
            "record.json: missing ≠ there",
        ),
    ];
    for (change, expected) in cases {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (run(root.path(), "a", 1.0), run(root.path(), "b", 1.0));
        change(&b);
        assert_eq!(lines(&compare(&a, &b).unwrap()), [expected]);
        // The same the other way round.
        let back = lines(&compare(&b, &a).unwrap());
        assert_eq!(back.len(), 1, "{back:?}");
    }
}

/// What is said by the same cells and tensors and is not the same bytes; and what neither has.
#[test]
fn what_is_written_otherwise_or_in_neither_of_two_runs_is_a_difference() {
    type Change = fn(&RunDir, &RunDir);
    let other = "the same cells ≠ in another order, or written otherwise";
    let cases: [(Change, String); 7] = [
        (
            |_, b| b.write("metrics.csv", b"step,loss,tokens_per_s\n2,1,7\n1,0.5,1\n").unwrap(),
            format!("metrics.csv: {other}"),
        ),
        (
            |_, b| b.write("eval.csv", b"step,modality,tokens,ce_nats\n2,\"a\",3,0.5\n2,b,3,0.25\n").unwrap(),
            format!("eval.csv: {other}"),
        ),
        (
            |a, b| [a, b].iter().for_each(|run| std::fs::remove_file(run.file("metrics.csv")).unwrap()),
            "metrics.csv: missing ≠ missing".into(),
        ),
        (
            |_, b| {
                b.write(
                    "digests.csv",
                    b"step,tensor,digest\n1,*,aa\n1,m.w,ac\n1,w,ab\n2,*,1\n2,w,1\n2,m.w,ad\n",
                )
                .unwrap()
            },
            "digests.csv, step 1: the same rows ≠ in another order".into(),
        ),
        (
            |_, b| {
                let tensor = NamedTensor { name: "w".into(), shape: vec![1], values: vec![1.0] };
                tensors::write(&b.checkpoint(1), &[tensor], Some("more")).unwrap();
            },
            "checkpoints/step-00000001.safetensors, step 1: the same tensors ≠ under another header".into(),
        ),
        (
            |a, b| {
                let files = vec![FileDigest { path: "probes/y.csv".into(), sha256: "00".into() }];
                let record = Record { steps: 2, files, ..crate::record::sample() };
                [a, b].iter().for_each(|run| run.write("record.json", &record.to_json().unwrap()).unwrap());
            },
            "probes/y.csv: missing ≠ missing".into(),
        ),
        (
            |a, b| {
                let record = Record { steps: 3, ..crate::record::sample() };
                [a, b].iter().for_each(|run| run.write("record.json", &record.to_json().unwrap()).unwrap());
            },
            "checkpoints/step-00000003.safetensors: missing ≠ missing".into(),
        ),
    ];
    for (change, expected) in cases {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (run(root.path(), "a", 1.0), run(root.path(), "b", 1.0));
        change(&a, &b);
        assert_eq!(lines(&compare(&a, &b).unwrap()), [expected]);
    }
}

#[test]
fn a_difference_of_two_records_is_named_by_field_and_metric() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (run(root.path(), "a", 1.0), run(root.path(), "b", 1.0));
    let mut record = Record { steps: 2, ..crate::record::sample() };
    a.write("record.json", &record.to_json().unwrap()).unwrap();
    (record.name, record.id) = ("other".into(), "0123456789-a2".into());
    b.write("record.json", &record.to_json().unwrap()).unwrap();
    assert_eq!(lines(&compare(&a, &b).unwrap()), [""; 0], "names do not count");
    record.metrics[0].low = Some(1.0);
    record.final_digest = "33".into();
    b.write("record.json", &record.to_json().unwrap()).unwrap();
    assert_eq!(
        lines(&compare(&a, &b).unwrap()),
        [
            "record.json, column final_digest: 22 ≠ 33",
            "record.json, column cross_entropy/rgb: Some(1.5) [None, None], n 3 ≠ Some(1.5) [Some(1.0), None], n 3"
        ]
    );
}

#[test]
fn a_run_that_is_not_finished_is_not_verified() {
    let root = tempfile::tempdir().unwrap();
    let fault = intact(&run(root.path(), "a", 1.0)).unwrap_err();
    assert!(fault.what.contains("not finished") && fault.help.unwrap().contains("nano4m resume"));
}
