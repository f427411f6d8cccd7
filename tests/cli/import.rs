//! `import`: the reference's configuration becomes a manifest that `check` takes, or is refused by name.

use crate::support::{stderr, stdout, Folder};

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
model_config:
  dim: 512
  enc_depth: 6
  dec_depth: 6
  head_dim: 64
  per_modality_loss_avg: true
train_loader_config:
  root_dir: data/tokenized_v5.tar.gz
  num_workers: 10
  batch_size: ${batch_size}
  modalities: [tok_rgb@196, tok_audio@512, tok_depth@196, tok_normal@196, scene_desc]
  vocab_sizes: [16384, 2048, 8192, 8192, 50304]
  max_seq_lens: [196, 512, 196, 196, 64]
  input_alphas: [1.0, 1.0, 1.0, 1.0, 1.0]
  target_alphas: [1.0, 1.0, 1.0, 1.0, 1.0]
  input_tokens_range: [16, 256]
  target_tokens_range: [16, 256]
";

#[test]
fn the_published_configuration_becomes_a_manifest() {
    let folder = Folder::new();
    folder.write("cfg.yaml", CONFIG);
    let printed = folder.nano4m(&["import", "cfg.yaml"], 0);
    insta::assert_snapshot!("imported", stdout(&printed));
    assert!(stderr(&printed).contains("left out: `train_loader_config.num_workers`"));
    folder.nano4m(&["import", "cfg.yaml", "-o", "cfg.ron"], 0);
    assert_eq!(std::fs::read_to_string(folder.path("cfg.ron")).unwrap(), stdout(&printed));
    folder.nano4m(&["check", "cfg.ron"], 0);
    assert!(stderr(&folder.nano4m(&["import", "cfg.yaml", "-o", "cfg.ron"], 2)).contains("exists already"));
}

#[test]
fn a_key_that_is_not_known_is_refused_by_name() {
    let folder = Folder::new();
    folder.write("cfg.yaml", &CONFIG.replace("  dim: 512", "  dimm: 512\n  rotary: true"));
    insta::assert_snapshot!("import_unknown_keys", stderr(&folder.nano4m(&["import", "cfg.yaml"], 2)));
    folder.nano4m(&["import", "cfg.yaml", "--ignore", "rotary", "--ignore", "model_config.dimm"], 0);
    folder.write("cfg.yaml", &CONFIG.replace("head_dim: 64", "head_dim: 60"));
    assert!(
        stderr(&folder.nano4m(&["import", "cfg.yaml"], 2)).contains("head_dim"),
        "a manifest's own checks"
    );
    assert!(stderr(&folder.nano4m(&["import", "none.yaml"], 2)).contains("cannot read the configuration"));
}
