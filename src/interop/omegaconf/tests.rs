use super::*;
use crate::manifest::schema::PerModality;
use crate::modality::{Strategy, Text};

const CONFIG: &str = "
run_name: auto
batch_size: 64
total_tokens: 600
warmup_tokens: 30
lr: 1.0e-4
dtype: fp32
model_config:
  _target_: package.FourM
  dim: 384
  enc_depth: 5
  use_bias: false
train_loader_config:
  root_dir: data/tokens.tar.gz
  batch_size: ${batch_size}
  modalities: [tok_rgb@196, tok_audio@512, scene_desc]
  max_seq_lens: [196, 512, 64]
  vocab_sizes: [16384, 2048, 50304]
  input_alphas: [1.0, 0.5, 1.0]
  target_alphas: [1.0, 1.0, 1.0]
  input_tokens_range: [16, 256]
";

fn refused(from: &str, to: &str) -> String {
    import(&CONFIG.replace(from, to), "x", &[]).unwrap_err().to_string()
}

#[test]
fn a_configuration_becomes_a_manifest() {
    let Imported { experiment: e, notes } = import(CONFIG, "x", &[]).unwrap();
    assert_eq!((e.name.as_str(), e.train.batch, e.train.tokens), ("x", 64, 600_000_000));
    assert_eq!((e.model.dim, e.model.enc_depth, e.model.dec_depth), (384, 5, 6));
    assert_eq!(e.modalities[1].masking, Strategy::Span { stride: 2, aligned: true });
    assert_eq!((e.modalities[1].codebooks, e.modalities[2].text), (2, Some(Text::Gpt2)));
    assert_eq!(e.masking.input_alphas.get("tok_audio@512", 9.0), 0.5);
    assert_eq!(e.masking.target_alphas, PerModality::All(1.0));
    assert_eq!((e.masking.input_tokens, e.train.steps()), ((16, 256), 18_311));
    assert!(notes.contains(&"left out: `model_config._target_`".to_string()), "{notes:?}");
    // The manifest it becomes is a valid one.
    let text = crate::manifest::resolved(&e);
    crate::manifest::parse(&text, std::path::Path::new("x.ron"), &[]).unwrap();
}

#[test]
fn what_is_not_understood_is_refused() {
    let message = refused("  dim: 384", "  dims: 384\n  rope: true");
    assert!(message.contains("`model_config.dims` (did you mean `dim`?), `model_config.rope`"), "{message}");
    assert!(refused("use_bias: false", "use_bias: true").contains("no counterpart"));
    assert!(refused("dtype: fp32", "dtype: bf16").contains("no counterpart"));
    assert!(refused("${batch_size}", "32").contains("`batch_size` has two values"));
    assert!(refused("${batch_size}", "${nothing}").contains("leads nowhere"));
    assert!(refused("[196, 512, 64]", "[196, 512]").contains("not as long"));
    assert!(refused("lr: 1.0e-4", "lr: fast").contains("cannot hold"));
    assert!(refused("total_tokens: 600", "total_tokens: 600000000").contains("in millions"));
    assert!(refused("  root_dir: data/tokens.tar.gz", "").contains("`root_dir` is missing"));
    let text = CONFIG.replace("  dim: 384", "  dim: 384\n  rope: true");
    assert!(import(&text, "x", &["rope".into()]).is_ok());
    assert!(import("a: [", "x", &[]).unwrap_err().what.contains("not YAML"));
    assert!(import("a: ${b}\nb: ${a}", "x", &[]).unwrap_err().what.contains("circle"));
}
