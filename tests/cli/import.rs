//! `import`: the reference's configuration becomes a manifest that `check` takes, or is refused by name.

use crate::support::{stderr, stdout, Folder};
use std::time::{Duration, Instant};

const CONFIG: &str = "\
run_name: d6-6w512
batch_size: 64
total_tokens: 600
warmup_tokens: 30
num_tokens_per_sample: 512
lr: 1.0e-4
min_lr: 1.0e-6
weight_decay: 0.05
clip_grad: 1.0
eval_freq: 25
save_ckpt_freq: 50
dtype: bf16
model_config:
  _target_: nanofm.models.fourm.FourM
  dim: 512
  enc_depth: 6
  dec_depth: 6
  head_dim: 64
  per_modality_loss_avg: true
train_loader_config:
  root_dir: data/tokenized_v5.tar.gz
  split: train
  num_workers: 10
  batch_size: ${batch_size}
  modalities: [tok_rgb@196, tok_audio@512, tok_depth@196, tok_normal@196, scene_desc]
  vocab_sizes: [16384, 2048, 8192, 8192, 50304]
  max_seq_lens: [196, 512, 196, 196, 64]
  input_alphas: [1.0, 1.0, 1.0, 1.0, 1.0]
  target_alphas: [1.0, 1.0, 1.0, 1.0, 1.0]
  input_tokens_range: [16, 256]
  target_tokens_range: [16, 256]
  sample_from_k_augmentations: 10
  text_max_length: 64
  span_modalities: {tok_audio@512: 2}
  shuffle: true
  drop_last: true
  infinite: true
";

#[test]
fn the_published_configuration_becomes_a_manifest() {
    let folder = Folder::new();
    folder.write("cfg.yaml", CONFIG);
    let printed = folder.nano4m(&["import", "cfg.yaml"], 0);
    insta::assert_snapshot!("imported", stdout(&printed));
    assert!(stderr(&printed).contains("`dtype` is bf16: computed in float32"));
    folder.nano4m(&["import", "cfg.yaml", "-o", "cfg.ron"], 0);
    assert_eq!(std::fs::read_to_string(folder.path("cfg.ron")).unwrap(), stdout(&printed));
    folder.nano4m(&["check", "cfg.ron"], 0);
    assert!(stderr(&folder.nano4m(&["import", "cfg.yaml", "-o", "cfg.ron"], 2)).contains("exists already"));
    let four = stdout(&folder.nano4m(&["import", "cfg.yaml", "--gpus", "4"], 0));
    assert!(four.contains("// nano4m import cfg.yaml --gpus 4\n") && four.contains("batch: 256"), "{four}");
}

#[test]
fn a_key_that_is_not_known_is_refused_by_name() {
    let folder = Folder::new();
    folder
        .write("cfg.yaml", &CONFIG.replace("  dim: 512", "  dimm: 512\n  rotary: true\n  use_swiglu: true"));
    insta::assert_snapshot!("import_unknown_keys", stderr(&folder.nano4m(&["import", "cfg.yaml"], 2)));
    let ignore = ["--ignore", "rotary", "--ignore", "model_config.dimm", "--ignore", "use_swiglu"];
    folder.nano4m(&[&["import", "cfg.yaml"], &ignore[..]].concat(), 0);
    folder.write("cfg.yaml", &CONFIG.replace("head_dim: 64", "head_dim: 60"));
    let message = stderr(&folder.nano4m(&["import", "cfg.yaml"], 2));
    assert!(message.contains("head_dim") && !message.contains(".ron"), "a manifest's own checks: {message}");
    assert!(stderr(&folder.nano4m(&["import", "none.yaml"], 2)).contains("cannot read the configuration"));
}

#[test]
fn a_hostile_configuration_is_refused_at_once() {
    let folder = Folder::new();
    let says = |text: &[u8], says: &str| {
        std::fs::write(folder.path("c.yaml"), text).unwrap();
        let start = Instant::now();
        let message = stderr(&folder.nano4m(&["import", "c.yaml"], 2));
        assert!(message.contains(says) && message.len() < 6000, "{says}: {message}");
        assert!(start.elapsed() < Duration::from_secs(10), "{says}");
    };
    says(b"model:\n  sub: \"${model}\"\n", "in a circle");
    let twice = |i: i32| format!("s{i}:\n  a: \"${{s{0}}}\"\n  b: \"${{s{0}}}\"\n", i + 1);
    says(((0..24).map(twice).collect::<String>() + "s24: {x: 1}\n").as_bytes(), "references are written out");
    says("[".repeat(100_000).as_bytes(), "more brackets");
    says("- ".repeat(100_000).as_bytes(), "not YAML");
    says(&vec![b'a'; 100 << 20], "at most 1048576");
    says(b"\xff\xfea\0:\0", "UTF-16");
    says(b"\x1f\x8b\x08\0", "gzip");
    says(b"// ours\nExperiment(\n    schema: 1,\n)\n", "the file is a manifest already: `nano4m check");
    says(b"a: \0\n", "not");
    says(b"lr: 1\nlr: 2\n", "`lr` is given twice");
    says(b"model_config:\n\tdim: 8\n", "line 2 is indented with a tab");
    std::fs::create_dir(folder.path("d.yaml")).unwrap();
    assert!(stderr(&folder.nano4m(&["import", "d.yaml"], 2)).contains("a folder"));
    assert!(stderr(&folder.nano4m(&["import", "/dev/zero"], 2)).contains("a device"));
}
