//! Verification on hand-made run directories.

use super::*;
use crate::digest::sha256_hex;
use crate::record;
use crate::store::{write_atomic, RunDir, RunId};
use std::path::Path;

/// A run directory with one tensor `w` per half, digested at steps 1 and 2.
fn run(root: &Path, name: &str, w: f32) -> RunDir {
    let run = RunDir::create(root, RunId::new(name, "0123456789", 1)).unwrap();
    let half = |tensor: &str| {
        let data = w.to_le_bytes();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &data).unwrap();
        safetensors::serialize([(tensor.to_string(), view)], None).unwrap()
    };
    let digest = |tensor: &str| {
        let mut h = crate::digest::Hasher::new("nano4m.tensor.v1");
        h.field(tensor.as_bytes()).number(1).number(1).field(&w.to_le_bytes());
        h.finish_hex()[..16].to_string()
    };
    write_atomic(&run.checkpoint(2), &half("w")).unwrap();
    write_atomic(&run.optimizer(2), &half("m.w")).unwrap();
    let digests = format!(
        "step,tensor,digest\n1,*,aa\n1,w,ab\n1,m.w,ac\n2,*,{w}\n2,w,{}\n2,m.w,{}\n",
        digest("w"),
        digest("m.w")
    );
    run.write("digests.csv", digests.as_bytes()).unwrap();
    let metrics = format!("step,loss,tokens_per_s\n1,0.5,{w}\n2,{w},7\n");
    run.write("metrics.csv", metrics.as_bytes()).unwrap();
    run.write("eval.csv", b"step,modality,tokens,ce_nats\n").unwrap();
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
    assert_eq!(findings.checked.len(), 5, "{:?}", findings.checked);
}

#[test]
fn the_first_step_and_tensor_that_differ_are_named() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (run(root.path(), "a", 1.0), run(root.path(), "b", 2.0));
    b.write("probes/x.csv", b"clip,n\na,2\n").unwrap();
    let found = lines(&compare(&a, &b).unwrap());
    assert!(found[0].starts_with("digests.csv, step 2, tensor w: "), "{found:?}");
    assert_eq!(found[1], "metrics.csv, step 2, column loss: 1 ≠ 2", "times do not count");
    assert!(found[2].starts_with("checkpoints/step-00000002.safetensors, step 2, tensor w: "), "{found:?}");
    assert!(found[3].contains("optimizer.safetensors, step 2, tensor m.w: "), "{found:?}");
    assert_eq!(found[4], "probes/x.csv:2: a,1 ≠ a,2");
}

#[test]
fn a_changed_file_or_tensor_of_a_finished_run_is_named() {
    let root = tempfile::tempdir().unwrap();
    let a = run(root.path(), "a", 1.0);
    assert!(intact(&a).unwrap_err().what.contains("not finished"));
    let mut record = record::sample();
    record.steps = 2;
    record.files =
        vec![record::FileDigest { path: "probes/x.csv".into(), sha256: sha256_hex(b"clip,n\na,1\n") }];
    a.write("record.json", &record.to_json().unwrap()).unwrap();
    let findings = intact(&a).unwrap();
    assert_eq!((lines(&findings).len(), findings.checked.len()), (0, 2));

    a.write("probes/x.csv", b"clip,n\na,9\n").unwrap();
    let mut bytes = std::fs::read(a.optimizer(2)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    write_atomic(&a.optimizer(2), &bytes).unwrap();
    let found = lines(&intact(&a).unwrap());
    assert!(found[0].starts_with("probes/x.csv: "), "{found:?}");
    assert!(found[1].contains("optimizer.safetensors, step 2, tensor m.w: "), "{found:?}");
    std::fs::remove_file(a.file("probes/x.csv")).unwrap();
    assert!(lines(&intact(&a).unwrap())[0].ends_with("≠ missing"));
}
