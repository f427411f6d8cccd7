use super::*;
use crate::fault::Result;
use crate::manifest::schema::{Experiment, Loss, PerModality, Splits};
use crate::modality::{Strategy, Text};
use std::path::Path;
use std::time::{Duration, Instant};

/// What is published of the run, in an order and under variables of its own.
const PUBLISHED: &str = r#"
vars:
  clips: 64
  names: &names [tok_rgb@196, tok_audio@512, tok_depth@196, tok_normal@196, scene_desc]
  sizes: {ids: [16384, 2048, 8192, 8192, 50304], tokens: [196, 512, 196, 196, 64]}
  even: [1.0, 1.0, 1.0, 1.0, 1.0]
  budget: [16, 256]
  stride_of: {tok_audio@512: 2}

train_loader_config: &loader
  _target_: nanofm.data.multimodal.create_multimodal_masked_dataloader
  root_dir: data/tokenized_v5/
  split: train
  modalities: *names
  max_seq_lens: ${vars.sizes.tokens}
  vocab_sizes: ${vars.sizes.ids}
  input_alphas: ${vars.even}
  target_alphas: ${vars.even}
  input_tokens_range: ${vars.budget}
  target_tokens_range: ${vars.budget}
  span_modalities: ${vars.stride_of}
  overlap_vocab: True
  overlap_posembs: True
  sample_from_k_augmentations: 10
  text_tokenizer_path: gpt2
  text_max_length: 64
  batch_size: ${vars.clips}
  num_workers: 8
  pin_memory: True
  distributed: True
  infinite: True
  shuffle: True
  drop_last: True

eval_loader_config:
  <<: *loader
  split: val
  shuffle: False
  drop_last: False
  infinite: False

model_config:
  _target_: nanofm.models.fourm.FourM
  enc_tokens_read_key: enc_tokens
  dec_pad_mask_read_key: dec_pad_mask
  modalities: ${vars.names}
  max_seq_lens: ${vars.sizes.tokens}
  vocab_sizes: ${vars.sizes.ids}
  dim: 512
  head_dim: 64
  enc_depth: 6
  dec_depth: 6
  per_modality_loss_avg: True

run_name: five_modalities
output_dir: out/${run_name}
wandb_run_name: ${run_name}_${oc.env:JOB,by_hand}
log_wandb: True
dtype: fp32
batch_size: ${vars.clips}
num_tokens_per_sample: 512
total_tokens: 600
warmup_tokens: 30
eval_freq: 25
save_ckpt_freq: 50
lr: 1.0e-4
min_lr: 1.0e-6
weight_decay: 0.05
clip_grad: 1.0
"#;

/// A launcher of its own, which counts steps.
const BY_STEPS: &str = "
model: {dim: 64, enc_depth: 2, dec_depth: 2, head_dim: 16, mlp_ratio: 4.0, use_bias: false, use_swiglu: false}
training: {lr: 3.0e-4, weight_decay: 0.05, batch_size: 8, num_steps: 1000, warmup_steps: 50, grad_clip: 1.0, log_every: 10, save_every: 100}
data:
  root_dir: /data/scenes/
  modalities: [tok_rgb@16, scene_desc]
  vocab_sizes: [64000, 50304]
  max_seq_lens: [16, 16]
  input_alphas: [1.0, 1.0]
  target_alphas: [1.0, 1.0]
  input_tokens_range: [1, 12]
  target_tokens_range: [1, 12]
  sample_from_k_augmentations: 10
  text_tokenizer_path: gpt2
  text_max_length: 16
wandb: {enabled: false}
";

fn with(text: &str, gpus: Option<usize>, ignore: &[&str]) -> Result<Imported> {
    let ignore = ignore.iter().map(|key| key.to_string()).collect();
    import(text, &Options { name: "x".into(), gpus, ignore, ..Options::default() })
}

fn imported(from: &str, to: &str) -> Imported {
    assert!(PUBLISHED.contains(from), "{from}");
    with(&PUBLISHED.replace(from, to), None, &[]).unwrap_or_else(|fault| panic!("{fault}"))
}

fn refused(from: &str, to: &str) -> String {
    assert!(PUBLISHED.contains(from), "{from}");
    with(&PUBLISHED.replace(from, to), None, &[]).unwrap_err().to_string()
}

/// The manifest without `line`, and what is said of its absence.
fn without(line: &str, says: &str) -> Experiment {
    let Imported { experiment, notes } = imported(line, "");
    assert!(notes.iter().any(|note| note.contains(says)), "{says}: {notes:#?}");
    experiment
}

fn published() -> Experiment {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/nano4m_audio_v5.ron");
    crate::manifest::read(&file, &[]).unwrap().experiment
}

#[test]
fn the_published_configuration_is_the_shipped_experiment() {
    let theirs = with(PUBLISHED, None, &[]).unwrap().experiment;
    let ours = published();
    assert_eq!(theirs.train, ours.train);
    assert_eq!(theirs.model, ours.model);
    assert_eq!(theirs.masking, ours.masking);
    assert_eq!(theirs.seeds, ours.seeds);
    assert_eq!(theirs.data.splits, ours.data.splits);
    assert_eq!(theirs.data.rows, ours.data.rows);
    assert_eq!(theirs.data.labels, ours.data.labels);
    assert_eq!(theirs.data.path.as_deref(), Some("data/tokenized_v5"));
    assert_eq!((theirs.train.eval_every, theirs.train.checkpoint_every), (763, 1526));
    assert_eq!((theirs.train.steps(), theirs.train.warmup_steps()), (18_311, 916));
    let mut same = theirs.clone();
    (same.name, same.about) = (ours.name.clone(), ours.about.clone());
    (same.data, same.probes) = (ours.data.clone(), ours.probes.clone());
    for (m, shipped) in same.modalities.iter_mut().zip(&ours.modalities) {
        m.grid = shipped.grid;
    }
    assert_eq!(same, ours);
    // What it becomes is read back as the same.
    let text = crate::manifest::resolved(&theirs);
    assert_eq!(crate::manifest::parse(&text, Path::new("x.ron"), &[]).unwrap().experiment, theirs);
}

#[test]
fn spans_are_those_of_span_modalities_and_not_of_a_name() {
    let masking = |e: Imported| e.experiment.modalities[1].masking;
    let four = imported("stride_of: {tok_audio@512: 2}", "stride_of: {tok_audio@512: 4}");
    assert_eq!(masking(four), Strategy::Span { stride: 4, aligned: true });
    let none = imported("  span_modalities: ${vars.stride_of}\n", "");
    assert_eq!(none.experiment.modalities[1].codebooks, 2);
    assert_eq!(masking(none), Strategy::Random);
    assert_eq!(
        masking(imported("span_modalities: ${vars.stride_of}", "span_modalities: null")),
        Strategy::Random
    );
    let rgb = imported("stride_of: {tok_audio@512: 2}", "stride_of: {tok_rgb@196: 14, tok_none: 2}");
    assert_eq!(rgb.experiment.modalities[0].masking, Strategy::Span { stride: 14, aligned: true });
    assert!(rgb.notes.iter().any(|note| note.contains("tok_none`: no such modality")), "{:#?}", rgb.notes);
    // At the top level nothing reads it.
    let top = PUBLISHED.replace("  span_modalities: ${vars.stride_of}\n", "")
        + "span_modalities: {tok_audio@512: 2}\n";
    let top = with(&top, None, &[]).unwrap();
    assert!(top.notes.iter().any(|note| note.contains("no loader reads it")), "{:#?}", top.notes);
    assert_eq!(masking(top), Strategy::Random);
    assert!(refused("stride_of: {tok_audio@512: 2}", "stride_of: {tok_audio@512: two}").contains("stride"));
}

#[test]
fn absent_keys_mean_what_they_mean_to_the_reference() {
    assert_eq!(without("clip_grad: 1.0\n", "`clip_grad` is absent: no clipping").train.clip, None);
    assert_eq!(without("warmup_tokens: 30\n", "`warmup_tokens` is absent: 0").train.warmup_tokens, 0);
    assert_eq!(without("\nlr: 1.0e-4", "`lr` is absent: 0.0003").train.lr, 3e-4);
    assert_eq!(without("min_lr: 1.0e-6\n", "`min_lr` is absent").train.min_lr, 1e-6);
    assert_eq!(without("weight_decay: 0.05\n", "`weight_decay` is absent").train.weight_decay, 0.05);
    assert_eq!(without("eval_freq: 25\n", "`eval_freq` is absent: every 100").train.eval_every, 3052);
    assert_eq!(without("save_ckpt_freq: 50\n", "`save_ckpt_freq` is absent").train.checkpoint_every, 3052);
    assert_eq!(
        without("  enc_depth: 6\n", "`enc_depth` is absent: 8, the published model's").model.enc_depth,
        8
    );
    assert_eq!(without("  dec_depth: 6\n", "`dec_depth` is absent: 8").model.dec_depth, 8);
    assert_eq!(without("  dim: 512\n", "`dim` is absent: 512").model.dim, 512);
    assert_eq!(
        without("  per_modality_loss_avg: True\n", "is absent: True").train.loss,
        Loss::PerModalityMean
    );
    assert_eq!(without("  sample_from_k_augmentations: 10\n", "is absent: 10").data.rows, Some(10));
    assert_eq!(
        without("  target_tokens_range: ${vars.budget}\n", "that of the input").masking.target_tokens,
        (16, 256)
    );
    without("dtype: fp32\n", "`dtype` is absent: float16");
    without("  drop_last: True\n", "`drop_last` is absent");
    let seeds = published().seeds;
    assert_eq!((seeds.init, seeds.data, seeds.masking, seeds.probes), (0, 0, 0, 0));
    let notes = with(PUBLISHED, None, &[]).unwrap().notes;
    for absent in [
        "`seed` is absent: 0",
        "`opt_betas` is absent: [0.9, 0.95]",
        "`opt_eps` is absent",
        "`mlp_ratio` is absent: 4.0",
    ] {
        assert!(notes.iter().any(|note| note.contains(absent)), "{absent}: {notes:#?}");
    }
    for (line, key) in [
        ("total_tokens: 600\n", "total_tokens"),
        ("num_tokens_per_sample: 512\n", "num_tokens_per_sample"),
        ("  root_dir: data/tokenized_v5/\n", "root_dir"),
        ("  input_alphas: ${vars.even}\n", "input_alphas"),
    ] {
        let message = refused(line, "");
        assert!(message.contains(&format!("`{key}` is missing")), "{message}");
    }
}

/// The published configuration, and what stands in the loader that evaluates.
fn evaluating(with: &str) -> String {
    PUBLISHED.replace("  split: val\n", &format!("  split: val\n{with}"))
}

#[test]
fn what_only_the_evaluating_loader_says_does_not_decide_the_training() {
    for (line, here, key) in [
        (
            "  span_modalities: ${vars.stride_of}\n",
            "  span_modalities: ${vars.stride_of}\n",
            "span_modalities",
        ),
        ("  target_tokens_range: ${vars.budget}\n", "  target_tokens_range: [1, 8]\n", "target_tokens_range"),
        ("  text_max_length: 64\n", "  text_max_length: 64\n", "text_max_length"),
    ] {
        // The evaluating loader is merged with the other: without the line neither has it.
        let text = evaluating(here).replacen(line, "", 1);
        let message = with(&text, None, &[]).unwrap_err().to_string();
        assert!(message.contains(&format!("`{key}` only where it evaluates")), "{message}");
        let left_out = with(&text, None, &[&format!("eval_loader_config.{key}")]);
        match left_out {
            Ok(i) if key == "span_modalities" => {
                assert_eq!(i.experiment.modalities[1].masking, Strategy::Random)
            }
            Ok(i) => assert_eq!(i.experiment.masking.target_tokens, (16, 256)),
            Err(fault) => assert!(fault.to_string().contains("256, the loader's default"), "{fault}"),
        }
    }
    let apart = evaluating("").replace("  <<: *loader\n", "  root_dir: data/tokenized_v5/\n");
    let i = with(&apart, None, &[]).unwrap();
    assert_eq!(i.experiment.modalities[1].masking, Strategy::Span { stride: 2, aligned: true });
    assert!(i.notes.iter().any(|n| n.contains("span_modalities` only where it trains")), "{:#?}", i.notes);
}

#[test]
fn of_two_values_the_evaluating_one_is_offered_to_be_left_out() {
    let text = evaluating("  input_alphas: [1, 1, 1, 1, 2]\n");
    let message = with(&text, None, &[]).unwrap_err().to_string();
    assert!(message.contains("--ignore eval_loader_config.input_alphas"), "{message}");
    let i = with(&text, None, &["eval_loader_config.input_alphas"]).unwrap();
    assert_eq!(i.experiment.masking.input_alphas, PerModality::All(1.0));
}

#[test]
fn a_flag_in_quotes_is_a_text_and_an_octal_no_number() {
    let message = refused("head_dim: 64", "head_dim: 64\n  use_swiglu: \"False\"");
    assert!(message.contains("SwiGLU"), "{message}");
    refused("per_modality_loss_avg: True", "per_modality_loss_avg: \"False\"");
    assert!(refused("  dim: 512", "  dim: 01000").contains("01000"));
    assert!(refused("\nbatch_size: ${vars.clips}", "\nseed: 010\nbatch_size: ${vars.clips}").contains("010"));
}

#[test]
fn a_name_that_is_no_folder_s_gets_one_with_a_note() {
    for (from, to) in
        [("multiclevr/d6 w512", "multiclevr_d6_w512"), (".hidden", "_.hidden"), ("latest", "_latest")]
    {
        let i = imported("run_name: five_modalities", &format!("run_name: {from}"));
        assert_eq!(i.experiment.name, to);
        assert!(i.notes.iter().any(|note| note.contains("cannot name a directory")), "{:#?}", i.notes);
    }
    let long = imported("five_modalities", &"x".repeat(300));
    assert_eq!(long.experiment.name.len(), 80);
}

#[test]
fn absent_text_length_is_256() {
    let message = refused("  text_max_length: 64\n", "");
    assert!(
        message.contains("256, the loader's default") && message.contains("64, its `max_seq_lens`"),
        "{message}"
    );
    assert!(refused("text_max_length: 64", "text_max_length: 32").contains("not that of `scene_desc`"));
    assert!(
        refused("text_tokenizer_path: gpt2", "text_tokenizer_path: t5-base").contains("another tokenizer")
    );
    imported("text_tokenizer_path: gpt2", "text_tokenizer_path: openai-community/gpt2");
}

#[test]
fn the_batch_is_that_of_one_gpu() {
    let four = with(PUBLISHED, Some(4), &[]).unwrap();
    assert_eq!((four.experiment.train.batch, four.experiment.train.steps()), (256, 4578));
    assert_eq!(four.experiment.train.warmup_steps(), 229);
    assert_eq!((four.experiment.train.eval_every, four.experiment.train.checkpoint_every), (191, 382));
    let said = |i: &Imported| i.notes.iter().any(|note| note.contains("per GPU"));
    assert!(!said(&four) && said(&with(PUBLISHED, None, &[]).unwrap()));
    assert!(with(PUBLISHED, Some(0), &[]).unwrap_err().to_string().contains("--gpus"));
    assert!(with(PUBLISHED, Some(usize::MAX), &[]).is_err());
    // The launcher counts with its own number.
    assert!(
        refused("\nbatch_size: ${vars.clips}", "\nbatch_size: 32").contains("`batch_size` has two values")
    );
    assert!(refused("\nbatch_size: ${vars.clips}", "").contains("256 of the launcher"));
    imported("  batch_size: ${vars.clips}\n", "");
}

#[test]
fn splits_and_rows_are_taken_over() {
    let e = imported("split: val", "split: eval").experiment;
    assert_eq!(e.data.splits, Splits { train: "train".into(), eval: "eval".into(), test: "test".into() });
    assert!(refused("split: val", "split: test").contains("kept for the end"));
    let one = imported("sample_from_k_augmentations: 10", "sample_from_k_augmentations: 1");
    assert_eq!(one.experiment.data.rows, Some(1));
    let ranges = imported("budget: [16, 256]", "budget: 128").experiment.masking;
    assert_eq!((ranges.input_tokens, ranges.target_tokens), ((128, 128), (128, 128)));
    let uneven = imported("even: [1.0, 1.0, 1.0, 1.0, 1.0]", "even: [2, 1, 1, 1, 0.5]").experiment.masking;
    assert_eq!(uneven.input_alphas.get("scene_desc", 9.0), 0.5);
    assert!(matches!(uneven.target_alphas, PerModality::Each(_)));
}

#[test]
fn texts_are_known_by_the_loader_s_rule() {
    let text = |name: &str| {
        let i = imported("tok_normal@196, scene_desc", &format!("{name}, scene_desc"));
        (i.experiment.modalities[3].text, i.notes.iter().any(|note| note.contains("taken for tokens")))
    };
    assert_eq!(text("tok_caption"), (None, false));
    assert_eq!(text("coords"), (None, true));
    let captions = PUBLISHED
        .replace("tok_normal@196", "captions")
        .replace("[196, 512, 196, 196, 64]", "[196, 512, 196, 64, 64]");
    // Ids of the special tokens come after GPT-2's own.
    let captions = captions.replace("8192, 8192, 50304", "8192, 50257, 50304");
    let i = with(&captions, None, &[]).unwrap();
    assert_eq!(
        (i.experiment.modalities[3].text, i.experiment.modalities[3].vocab),
        (Some(Text::Gpt2), 50_260)
    );
    assert!(i.notes.iter().any(|note| note.contains("50260 instead of 50257")), "{:#?}", i.notes);
}

#[test]
fn values_that_mean_the_same_are_accepted_and_others_name_the_difference() {
    let model = |key: &str| format!("head_dim: 64\n  {key}");
    for key in [
        "use_swiglu: False",
        "use_bias: false",
        "pos_encoding: sincos",
        "pos_encoding: none",
        "use_rope: no",
        "padding_idx: -100",
        "residual_scaling: null",
    ] {
        imported("head_dim: 64", &model(key));
    }
    for (key, says) in [
        ("use_swiglu: True", "SwiGLU"),
        ("use_bias: true", "biases"),
        ("pos_encoding: alibi", "added sines and cosines"),
        ("use_rope: true", "rotary"),
        ("use_qk_norm: true", "normalized queries"),
        ("init_strategy: xavier", "initial weights"),
        ("residual_scaling: rezero", "residual"),
        ("padding_idx: 0", "left out of the loss"),
    ] {
        let message = refused("head_dim: 64", &model(key));
        assert!(message.contains(says) && message.contains("model_config."), "{message}");
    }
    for (from, to, says) in [
        ("overlap_vocab: True", "overlap_vocab: False", "ids shifted"),
        ("overlap_posembs: True", "overlap_posembs: False", "positions shifted"),
        ("  shuffle: True", "  shuffle: False", "order of their names"),
        ("  drop_last: True", "  drop_last: False", "all batches are whole"),
        ("  infinite: True", "  infinite: False", "after one epoch"),
        (
            "  shuffle: True",
            "  shuffle: True\n  masking: {_target_: a.BlockMasking, grid_size: 16}",
            "way of masking",
        ),
        ("dtype: fp32", "dtype: fp32\nresume: last.pt", "goes on from a checkpoint"),
    ] {
        let message = refused(from, to);
        assert!(message.contains(says), "{message}");
    }
    for dtype in ["fp16", "bf16", "bfloat16"] {
        let notes = imported("dtype: fp32", &format!("dtype: {dtype}")).notes;
        assert!(notes.iter().any(|note| note.contains("computed in float32")), "{notes:#?}");
    }
    assert!(refused("dtype: fp32", "dtype: int8").contains("number type"));
}

#[test]
fn keys_of_the_launcher_are_known() {
    let more = "opt_betas: [0.8, 0.99]\nopt_eps: 1e-6\nresume: ''\nstart_iteration: 0\nauto_resume: True\n\
                find_unused_params: False\ndevice: cuda\ndist_url: env://\nno_log_wandb: False\nseed: 7";
    let e = imported("dtype: fp32", &format!("dtype: fp32\n{more}")).experiment;
    assert_eq!((e.train.betas, e.train.eps, e.seeds.init, e.seeds.probes), ((0.8, 0.99), 1e-6, 7, 7));
    assert_eq!(imported("clip_grad: 1.0", "clip_grad: null").experiment.train.clip, None);
    assert_eq!(imported("eval_freq: 25", "eval_freq: 0.5").experiment.train.eval_every, 16);
    assert!(refused("total_tokens: 600", "total_tokens: 600000000").contains("in millions"));
    assert!(refused("total_tokens: 600", "total_tokens: -1").contains("in millions"));
}

#[test]
fn a_schedule_counted_in_steps_keeps_its_steps() {
    let Imported { experiment: e, notes } = with(BY_STEPS, None, &[]).unwrap();
    assert_eq!((e.train.steps(), e.train.warmup_steps(), e.train.batch), (1000, 50, 8));
    assert_eq!((e.train.clip, e.train.checkpoint_every, e.train.lr), (Some(1.0), 100, 3e-4));
    assert_eq!(e.data.path.as_deref(), Some("/data/scenes"));
    assert!(notes.iter().any(|note| note.contains("counted in steps")), "{notes:#?}");
    let four = with(BY_STEPS, Some(4), &[]).unwrap().experiment;
    assert_eq!((four.train.steps(), four.train.warmup_steps(), four.train.batch), (1000, 50, 32));
    let swiglu =
        BY_STEPS.replace("use_swiglu: false", "use_swiglu: true, use_rope: true, rope_base: 10000.0");
    let message = with(&swiglu, None, &[]).unwrap_err().to_string();
    assert!(
        message.contains("2 things") && message.contains("SwiGLU") && message.contains("rotary"),
        "{message}"
    );
    let both = BY_STEPS.replace("num_steps", "total_tokens: 5, num_steps");
    assert!(with(&both, None, &[]).unwrap_err().to_string().contains("beside one in steps"));
}

#[test]
fn a_configuration_of_another_model_is_refused_by_its_name() {
    for (class, name) in [
        ("nanofm.models.gpt.GPT", "a configuration of GPT, not of FourM"),
        ("nanofm.models.maskgit.MaskGIT", "a configuration of MaskGIT, not of FourM"),
        ("a.FourMRoPE", "a configuration of FourMRoPE, not of FourM"),
    ] {
        let message = refused("nanofm.models.fourm.FourM", class);
        assert!(message.contains(name) && !message.contains("did you mean"), "{message}");
    }
    let message = import_text("_target_: a.b.Classifier\ndim: 8\nnum_classes: 3").unwrap_err().to_string();
    assert!(message.contains("a configuration of Classifier"), "{message}");
    let message = import_text("defaults:\n  - model: a\nlr: 1").unwrap_err().to_string();
    assert!(message.contains("put together from other files"), "{message}");
    let upgraded = imported("nanofm.models.fourm.FourM", "a.FourMUpgraded");
    assert!(upgraded.notes.iter().any(|note| note.contains("FourMUpgraded")));
    let known = with(&PUBLISHED.replace("fourm.FourM", "fourm.FourMNew"), None, &["model_config._target_"]);
    assert!(known.is_ok());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = PUBLISHED
        .replace("head_dim: 64", "head_dims: 8\n  use_swiglu: True")
        .replace("lr: 1.0e-4", "lr: fast")
        .replace("total_tokens: 600\n", "")
        .replace("overlap_vocab: True", "overlap_vocab: False")
        .replace("64]}", "64, 1]}")
        .replace("root_dir: data/tokenized_v5/", "root_dir: ${nowhere}");
    let message = with(&text, None, &[]).unwrap_err().to_string();
    for says in [
        "`model_config.head_dims` (did you mean `head_dim`?)",
        "SwiGLU",
        "found fast",
        "`total_tokens` is missing",
        "ids shifted",
        "not as long",
        "`${nowhere}` leads nowhere",
    ] {
        assert!(message.contains(says), "{says}: {message}");
    }
    assert!(!message.contains("`root_dir` is missing") && message.contains("7 things"), "{message}");
    // A manifest's own checks speak of the configuration's places.
    let message = refused("head_dim: 64", "head_dim: 60");
    assert!(message.contains("model_config.") && !message.contains(".ron"), "{message}");
    let many: String = (0..20_000).map(|i| format!("key{i}: 1\n")).collect();
    let start = Instant::now();
    let message = import_text(&many).unwrap_err().to_string();
    assert!(message.len() < 5000 && message.contains("more"), "{message}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_is_left_out_is_never_resolved() {
    let strange = PUBLISHED.replace("output_dir: out/${run_name}", "output_dir: ${hydra:run.dir}/${gone}");
    with(&strange, None, &[]).unwrap();
    let ignored = format!("{PUBLISHED}\nmine: ${{mine}}\nother: {{x: \"${{gone}}\"}}\n");
    assert!(with(&ignored, None, &["mine"]).is_ok(), "a section of variables is not read");
    let message = with(&ignored, None, &[]).unwrap_err().to_string();
    assert!(message.contains("circle"), "{message}");
    let notes = with(&ignored, None, &["mine", "nothing"]).unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("--ignore without such a key: nothing")), "{notes:#?}");
}

#[test]
fn the_environment_is_asked_and_what_it_said_is_noted() {
    let text = PUBLISHED.replace("root_dir: data/tokenized_v5/", "root_dir: ${oc.env:TOKENS,data}/v5");
    let there = |name: &str| (name == "TOKENS").then(|| "/big".to_owned());
    let options = Options { environment: &there, ..Options::default() };
    let i = import(&text, &options).unwrap();
    assert_eq!(i.experiment.data.path.as_deref(), Some("/big/v5"));
    assert!(
        i.notes.iter().any(|note| note.contains("TOKENS of the environment is `/big`")),
        "{:#?}",
        i.notes
    );
    let i = import_text(&text).unwrap();
    assert_eq!(i.experiment.data.path.as_deref(), Some("data/v5"));
    assert!(i.notes.iter().any(|note| note.contains("the environment has no TOKENS: its default, `data`")));
}

#[test]
fn sizes_without_bound_end_in_messages() {
    for (from, to) in [
        ("dim: 512", "dim: 99999999999999999999"),
        ("  clips: 64", "  clips: 9223372036854775807"),
        ("num_tokens_per_sample: 512", "num_tokens_per_sample: 9223372036854775807"),
        ("sample_from_k_augmentations: 10", "sample_from_k_augmentations: -1"),
        ("budget: [16, 256]", "budget: [256, 16]"),
        ("lr: 1.0e-4", "lr: .nan"),
        ("lr: 1.0e-4", "lr: .inf"),
    ] {
        let start = Instant::now();
        let message = refused(from, to);
        assert!(message.len() < 2000, "{message}");
        assert!(start.elapsed() < Duration::from_secs(5), "{to}");
    }
    assert!(with(BY_STEPS.replace("num_steps: 1000", "num_steps: 9223372036854775807").as_str(), None, &[])
        .is_err());
    for text in [
        "a: ${b[0]}\nb: [1]",
        "",
        "null",
        "[]",
        "a",
        "- 1",
        "{}",
        "model_config: 3",
        "model_config: ${model_config}",
    ] {
        import_text(text).unwrap_err();
    }
}

#[test]
fn variables_of_the_top_level_are_not_refused() {
    let text =
        PUBLISHED.replace("clip_grad: 1.0", "clip_grad: ${norms[1]}") + "norms: [0.5, 2.0]\nscale: 3\n";
    let text = text.replace("seed", "") + "eval_extra_config: null\n";
    let message = with(&text, None, &[]).unwrap_err().to_string();
    assert!(
        message.contains("`scale`") && !message.contains("norms") && !message.contains("extra"),
        "{message}"
    );
    let e = with(&text, None, &["scale"]).unwrap().experiment;
    assert_eq!(e.train.clip, Some(2.0));
    let by_eval = PUBLISHED.replace("clips: 64", "clips: ${eval:'8 * 8'}");
    assert_eq!(with(&by_eval, None, &[]).unwrap().experiment.train.batch, 64);
}

#[test]
fn what_a_note_has_no_room_for_is_counted() {
    let keys: Vec<String> = (0..70).map(|i| format!("k{i}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let notes = with(PUBLISHED, None, &keys).unwrap().notes;
    let note = notes.iter().find(|note| note.starts_with("--ignore without such a key")).unwrap();
    assert!(note.ends_with(", k59 and 10 more"), "{note}");
}

#[test]
fn what_turns_or_hides_a_text_is_written_out() {
    assert_eq!(node::shorten("a\u{202e}b\nc\u{200b}é"), "a\\u{202e}b\\nc\\u{200b}é");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(200))]
    /// Whatever is cut out of a configuration, doubled or put in: an answer, soon.
    #[test]
    fn a_damaged_configuration_gets_an_answer(
        edits in proptest::collection::vec((0usize..3000, 0usize..60, 0usize..12), 1..4),
    ) {
        const PUT_IN: [&str; 12] = [
            "", "${vars}", "${", "}", ": ", "\n", "[", "&a ", "*a", "99999999999999999999", "-1", "null",
        ];
        for text in [PUBLISHED, BY_STEPS] {
            let mut text = text.to_owned();
            for (start, length, put_in) in &edits {
                let start = start % text.len();
                let end = (start + length).min(text.len());
                text.replace_range(start..end, PUT_IN[*put_in]);
            }
            let begun = Instant::now();
            if let Ok(Imported { experiment, .. }) = import_text(&text) {
                let written = crate::manifest::resolved(&experiment);
                crate::manifest::parse(&written, Path::new("x.ron"), &[]).unwrap();
            }
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
    }
}
