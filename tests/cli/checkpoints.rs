//! Checkpoints of other programs: read with a note where they are this model's, refused by name where not.

use crate::support::{stderr, stdout, Folder};
use assert_cmd::assert::Assert;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::Path;

/// Type, shape and bytes by name.
type Tensors = BTreeMap<String, (String, Vec<usize>, Vec<u8>)>;

/// A folder with a run of one step, and the tensors of its checkpoint.
fn trained() -> (Folder, Tensors) {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron", "--stop-after", "1"], 4);
    let tensors = read(&folder.run().join("checkpoints/step-00000001.safetensors"));
    (folder, tensors)
}

fn read(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let all = file.tensors().into_iter();
    all.map(|(name, t)| (name, (format!("{:?}", t.dtype()), t.shape().to_vec(), t.data().to_vec()))).collect()
}

fn write(path: &Path, tensors: &Tensors) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, (dtype, shape, bytes)) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        let entry = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
        header.insert(name.clone(), entry);
        data.extend(bytes);
    }
    let header = serde_json::to_vec(&header).unwrap();
    std::fs::write(path, [&(header.len() as u64).to_le_bytes(), &header[..], &data].concat()).unwrap();
}

/// The probes of the checkpoint at `path`, in the folder.
fn eval(folder: &Folder, path: &str, code: i32) -> Assert {
    folder.nano4m(&["eval", "--manifest", "small.ron", "--checkpoint", path], code)
}

/// The same of tensors that are written first.
fn eval_of(folder: &Folder, tensors: &Tensors, code: i32) -> Assert {
    write(&folder.path("given.safetensors"), tensors);
    eval(folder, "given.safetensors", code)
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

fn set(tensors: &mut Tensors, name: &str, at: usize, value: f32) {
    tensors.get_mut(name).unwrap().2[4 * at..][..4].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn a_checkpoint_with_other_buffers_is_refused_with_the_tensor_named() {
    let (folder, ours) = trained();
    for (name, value, parts) in [
        ("dec_norm.bias", 0.5, ["dec_norm.bias up to 0.5", "zeros, or no such tensors"]),
        ("encoder.blocks.0.norm1.bias", 1e-6, ["encoder.blocks.0.norm1.bias up to", "another model"]),
        ("pos_emb", 0.5, ["tensor pos_emb", "0.5 at position 0, column 7"]),
    ] {
        let mut tensors = ours.clone();
        set(&mut tensors, name, 7, value);
        let refused = eval_of(&folder, &tensors, 2);
        says(&stderr(&refused), &[&parts[..], &["given.safetensors", "help: "]].concat());
        assert_eq!(stdout(&refused), "");
    }
}

#[test]
fn every_tensor_that_does_not_fit_is_named_at_once() {
    let (folder, mut tensors) = trained();
    tensors.remove("dec_norm.weight");
    tensors.remove("encoder.blocks.0.mlp.fc1.weight");
    tensors.insert("head.steps".into(), ("I64".into(), vec![1], vec![0; 8]));
    tensors.insert("to_logits.weight".into(), ("F32".into(), vec![1, 2], vec![0; 8]));
    says(
        &stderr(&eval_of(&folder, &tensors, 2)),
        &[
            "2 missing, 1 of another shape, 1 not of this model",
            "missing: dec_norm.weight, encoder.blocks.0.mlp.fc1.weight",
            "to_logits.weight [1, 2]",
            "head.steps",
        ],
    );
}

#[test]
fn prefixes_of_other_programs_are_taken_off_with_a_note() {
    let (folder, ours) = trained();
    let expected = stdout(&eval_of(&folder, &ours, 0));
    for prefix in ["module.", "_orig_mod.", "_orig_mod.module.", "model."] {
        let named =
            |(name, t): (&String, &(String, Vec<usize>, Vec<u8>))| (format!("{prefix}{name}"), t.clone());
        let tensors: Tensors = ours.iter().map(named).collect();
        let measured = eval_of(&folder, &tensors, 0);
        assert_eq!(stdout(&measured), expected);
        let first =
            format!("took `{}.` off the names of {} tensors", prefix.split('.').next().unwrap(), ours.len());
        says(&stderr(&measured), &[&first]);
    }
}

#[test]
fn other_float_types_are_converted_with_a_note_and_integers_refused() {
    let (folder, ours) = trained();
    let expected = stdout(&eval_of(&folder, &ours, 0));
    let converted = |dtype: &str, bytes: fn(f32) -> Vec<u8>| -> Tensors {
        let one = |(name, (_, shape, data)): (&String, &(String, Vec<usize>, Vec<u8>))| {
            let values = data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            (name.clone(), (dtype.to_string(), shape.clone(), values.flat_map(bytes).collect()))
        };
        ours.iter().map(one).collect()
    };
    let wide = eval_of(&folder, &converted("F64", |x| f64::from(x).to_le_bytes().to_vec()), 0);
    assert_eq!(stdout(&wide), expected, "every float32 is a float64");
    says(&stderr(&wide), &["of type F64: read as F32, rounded"]);
    // Buffers are rounded too, and are still this model's.
    let half = eval_of(&folder, &converted("F16", |x| half::f16::from_f32(x).to_le_bytes().to_vec()), 0);
    says(&stderr(&half), &["of type F16: read as F32"]);
    let brain = eval_of(&folder, &converted("BF16", |x| half::bf16::from_f32(x).to_le_bytes().to_vec()), 0);
    says(&stderr(&brain), &["of type BF16: read as F32"]);
    let integers = eval_of(&folder, &converted("I32", |x| (x as i32).to_le_bytes().to_vec()), 2);
    says(&stderr(&integers), &["no floating-point numbers", "dec_norm.weight I32", "F16, BF16 and F64"]);
    let mut infinite = ours.clone();
    set(&mut infinite, "dec_norm.weight", 3, f32::INFINITY);
    says(&stderr(&eval_of(&folder, &infinite, 2)), &["not finite", "dec_norm.weight"]);
}

#[test]
fn what_is_no_checkpoint_is_called_what_it_is() {
    let (folder, ours) = trained();
    let zip = [&b"PK\x03\x04"[..], &[0; 22], b"\x10\0\0\0archive/data.pkl"].concat();
    for (bytes, parts) in [
        (&zip[..], ["a file of torch.save", "weights_only=True"]),
        (b"\x80\x02}q\0.", ["a Python pickle", "save_file"]),
        (b"version https://git-lfs.github.com/spec/v1\n", ["a Git LFS pointer", "git lfs pull"]),
        (b"<html><body>404</body></html>", ["an HTML page", "download"]),
    ] {
        std::fs::write(folder.path("model.pt"), bytes).unwrap();
        says(&stderr(&eval(&folder, "model.pt", 2)), &parts);
    }
    let run = folder.run();
    let run = run.to_str().unwrap();
    says(&stderr(&eval(&folder, run, 2)), &["a run", "nano4m eval"]);
    let optimizer = format!("{run}/checkpoints/step-00000001.optimizer.safetensors");
    says(&stderr(&eval(&folder, &optimizer, 2)), &["the optimizer's half", "without `.optimizer`"]);
    says(&stderr(&eval(&folder, "/dev/zero", 2)), &["a device, not a regular file"]);
    std::fs::create_dir(folder.path("empty")).unwrap();
    says(&stderr(&eval(&folder, "empty", 2)), &["a folder, not a checkpoint"]);
    // A folder as libraries save models, whole and in two parts.
    let expected = stdout(&eval_of(&folder, &ours, 0));
    std::fs::create_dir(folder.path("saved")).unwrap();
    write(&folder.path("saved/model.safetensors"), &ours);
    assert_eq!(stdout(&eval(&folder, "saved", 0)), expected);
    std::fs::remove_file(folder.path("saved/model.safetensors")).unwrap();
    let mut second = ours.clone();
    let first: Tensors = std::iter::from_fn(|| second.pop_first()).take(9).collect();
    write(&folder.path("saved/1.safetensors"), &first);
    write(&folder.path("saved/2.safetensors"), &second);
    let file = |part: usize| move |name: &String| (name.clone(), format!("{part}.safetensors"));
    let map: BTreeMap<String, String> = first.keys().map(file(1)).chain(second.keys().map(file(2))).collect();
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    folder.write("saved/model.safetensors.index.json", &index.to_string());
    let parts = eval(&folder, "saved/model.safetensors.index.json", 0);
    assert_eq!(stdout(&parts), expected);
    says(&stderr(&parts), &["read the checkpoint from 2 files"]);
}

/// A tensor of 4 GB of zeros that no block of the disk holds: its shape is another before its values are read.
#[test]
fn a_file_that_promises_too_much_is_refused_by_its_header() {
    let (folder, _) = trained();
    let header =
        r#"{"enc_tok_emb.weight":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}"#;
    let start = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    std::fs::write(folder.path("huge.safetensors"), &start).unwrap();
    let file = std::fs::File::options().write(true).open(folder.path("huge.safetensors")).unwrap();
    file.set_len(start.len() as u64 + 4_000_000_000).unwrap();
    says(&stderr(&eval(&folder, "huge.safetensors", 2)), &["enc_tok_emb.weight [1000000000]", "[64, 32]"]);
}

/// Same shapes, another model: only the run knows.
#[test]
fn a_checkpoint_of_a_run_is_not_measured_as_another_model_of_its_shapes() {
    let (folder, tensors) = trained();
    let checkpoint = folder.run().join("checkpoints/step-00000001.safetensors").display().to_string();
    let eval = |path: &str, setting: &str, code: i32| {
        folder.nano4m(&["eval", "--manifest", "small.ron", "--checkpoint", path, "--set", setting], code)
    };
    eval(&checkpoint, "name=other", 0);
    let refused = stderr(&eval(&checkpoint, "model.head_dim=4", 2));
    says(&refused, &["the checkpoint's run has trained another model", "head_dim", "resolved.ron"]);
    // Elsewhere it says nothing of its heads.
    write(&folder.path("given.safetensors"), &tensors);
    eval("given.safetensors", "model.head_dim=4", 0);
}
