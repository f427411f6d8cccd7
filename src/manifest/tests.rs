//! Messages of bad manifests, exactly as printed, and what `read` promises.

use super::schema::Experiment;
use super::testing::{small, SMALL};
use super::*;
use std::path::Path;

/// The messages for `SMALL` with `old` replaced by `new`, without the last line.
fn messages(old: &str, new: &str) -> String {
    assert!(SMALL.contains(old), "{old:?} is not in the manifest");
    messages_of(&SMALL.replacen(old, new, 1), &[])
}

fn messages_of(text: &str, overrides: &[&str]) -> String {
    let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
    let list = match parse(text, Path::new("m.ron"), &overrides) {
        Ok(loaded) => loaded.warnings,
        Err(all) => all.items,
    };
    list.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_small_manifest_is_valid() {
    assert_eq!(messages_of(SMALL, &[]), "");
}

/// `messages` without positions and layout: `what | found | expected | help`.
fn brief(old: &str, new: &str) -> Vec<String> {
    let list = match parse(&SMALL.replacen(old, new, 1), Path::new("m.ron"), &[]) {
        Ok(loaded) => loaded.warnings,
        Err(all) => all.items,
    };
    let line = |d: Diagnostic| {
        let parts = [d.found, d.expected, d.help];
        parts.into_iter().flatten().fold(d.what, |line, part| format!("{line} | {part}"))
    };
    list.into_iter().map(line).collect()
}

#[test]
fn a_typo_is_placed_and_corrected() {
    assert_eq!(
        messages("warmup_tokens", "warmup_token"),
        "m.ron:14:58: error: unknown field `warmup_token` in `Train`\n      \
         help: did you mean `warmup_tokens`?"
    );
    assert_eq!(
        messages("Block2d", "Block"),
        "m.ron:8:54: error: unknown variant `Block` in `Strategy`\n      help: did you mean `Block2d`?"
    );
}

#[test]
fn a_wrong_type_names_its_field() {
    for (old, new, expected) in [
        (
            "batch: 8",
            "batch: 1.5",
            "m.ron:14:16: error: `train.batch` cannot hold this value\n     found: 1.5\n  expected: a whole number, without point or exponent: 600_000_000",
        ),
        (
            "batch: 8",
            "batch: -1",
            "m.ron:14:16: error: `train.batch` cannot hold this value\n     found: -1\n  expected: a whole number, 0 or more, that fits its field",
        ),
        (
            "lr: 1e-3",
            "lr: \"fast\"",
            "m.ron:15:13: error: `train.lr` cannot hold this value\n     found: \"fast\"\n  expected: a number",
        ),
        (
            "name: \"small\"",
            "name: small",
            "m.ron:4:11: error: `name` cannot hold this value\n     found: small\n  expected: a string in double quotes",
        ),
        ("schema: 1,", "schema: 1", "m.ron:3:13: error: a comma is missing behind this"),
    ] {
        assert_eq!(messages(old, new), expected);
    }
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_file() {
    let text = SMALL
        .replace("schema: 1", "schema: 1, seeds: (init: 1)")
        .replace("vocab: 16", "vocab: 1")
        .replace("name: \"small\"", "name: \"a/b\"")
        .replace("lr: 1e-3", "lr: NaN");
    assert_eq!(
        messages_of(&text, &[]),
        "m.ron:4:5: error: `name` cannot name a directory\n     found: \"a/b\"\n  \
         expected: 1 to 80 letters, digits, `_`, `-` or `.`, not beginning with `-` or `.`\n\
         m.ron:8:34: error: `modalities[1].vocab` is out of range\n     found: 1\n  expected: at least 2\n\
         m.ron:15:9: error: `train.lr` is not a finite number\n     found: NaN\n  expected: a finite number"
    );
}

#[test]
fn numbers_out_of_range() {
    for (old, new, expected) in [
        ("lr: 1e-3", "lr: -1.0", "`train.lr` is out of range | -1 | a number above 0"),
        ("lr: 1e-3", "lr: 0.0", "`train.lr` is out of range | 0 | a number above 0"),
        ("lr: 1e-3", "lr: 1e400", "`train.lr` is not a finite number | inf | a finite number"),
        (
            "min_lr: 1e-5",
            "min_lr: 1.0",
            "the final learning rate is above the peak | 1 | at most `lr`, 0.001",
        ),
        (
            "warmup_tokens: 1_000",
            "warmup_tokens: 10_001",
            "the warmup is longer than the training | 10001 | at most `tokens`, 10000",
        ),
        ("batch: 8", "batch: 0", "`train.batch` is out of range | 0 | at least 1 clip"),
        (
            "batch: 8",
            "batch: 8, micro_batch: 9",
            "`train.micro_batch` is out of range | 9 | at least 1 and at most `batch`, 8, or None",
        ),
        (
            "batch: 8",
            "batch: 8, micro_batch: 0",
            "`train.micro_batch` is out of range | 0 | at least 1 and at most `batch`, 8, or None",
        ),
        (
            "batch: 8",
            "batch: 8, eps: 0.0",
            "`train.eps` is out of range | 0 | a number above 0, in float32 too (1e-45 and more)",
        ),
        (
            "batch: 8",
            "batch: 8, betas: (0.9, 1.0)",
            "`train.betas[1]` is out of range | 1 | 0 or more, below 1",
        ),
        ("batch: 8", "batch: 8, clip: 0.0", "`train.clip` is out of range | 0 | a number above 0, or None"),
        ("dim: 32", "dim: 36", "`model.dim` is out of range | 36 | a multiple of `head_dim`, 8"),
        (
            "dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 8",
            "dim: 9, head_dim: 3",
            "`model.dim` is out of range | 9 | an even number: half sines, half cosines",
        ),
        ("enc_depth: 1", "enc_depth: 0", "`model.enc_depth` is out of range | 0 | at least 1"),
        ("classes: 4", "classes: 1", "`data.synthetic.classes` is out of range | 1 | at least 2"),
        (
            "classes: 4",
            "strength: {\"a@16\": 1.5}",
            "`data.synthetic.strength.a@16` is out of range | 1.5 | a probability, 0 to 1",
        ),
        (
            "data: (synthetic: (classes: 4))",
            "data: (path: \"d\", stored: {\"a@16\": 15})",
            "`data.stored.a@16` is out of range | 15 | at least the modality's `length`, 16",
        ),
        (
            "data: (synthetic: (classes: 4))",
            "data: (path: \"d\", stored: {\"c\": 9})",
            "`c` is stored as text | captions are cut to the modality's `length` when they are encoded",
        ),
        (
            "(synthetic: (classes: 4))",
            "(synthetic: (classes: 4), stored: {\"b@9\": 12})",
            "synthetic data is not stored | it is made with each modality's `length`: leave `stored` out",
        ),
        (
            "classes: 4",
            "clips: (9, 0, 9)",
            "`data.synthetic.clips[1]` is out of range | 0 | at least 1 clip in each split",
        ),
    ] {
        assert_eq!(brief(old, new), [expected], "{new}");
    }
}

#[test]
fn modalities_that_do_not_fit() {
    for (old, new, expected) in [
        ("name: \"b@9\"", "name: \"a@16\"", "two modalities are named `a@16` | modalities[0] already has this name"),
        ("stride: 2", "stride: 0", "`modalities[0].masking.stride` is out of range | 0 | 1 to the length, 16"),
        (
            "stride: 2",
            "stride: 3",
            "spans of `a@16` cut through frames | stride 3 with 2 codebooks | a stride that is a multiple of the codebooks",
        ),
        ("length: 9", "length: 8", "Block2d needs a grid: 8 is not a square | add `grid: (rows, columns)`"),
        (
            "vocab: 16",
            "vocab: 16, grid: (2, 4)",
            "the grid of `b@9` does not have its length | 2 × 4 | rows × columns = 9",
        ),
        (
            "text: Words",
            "text: Gpt2",
            "the vocabulary of `c` is too small for its text | 12 | at least 50260 for Gpt2 (the published model has 50304)",
        ),
        (
            "codebooks: 2",
            "codebooks: 3",
            "the last frame of `a@16` is incomplete | length 16 with 3 codebooks | a length that is a multiple of the codebooks",
        ),
    ] {
        assert_eq!(brief(old, new)[0], expected, "{new}");
    }
    let empty = messages_of(SMALL, &["modalities=[]"]);
    assert!(empty.contains("`modalities` is empty\n  expected: at least one modality"), "{empty}");
}

#[test]
fn masking_that_cannot_be_drawn() {
    let masking = "masking: (input_tokens: (2, 8), target_tokens: (2, 8))";
    for (new, expected) in [
        ("masking: (input_tokens: (8, 2), target_tokens: (2, 8))", "`masking.input_tokens` is empty: its ends are swapped | (8, 2) | (2, 8)"),
        ("masking: (input_tokens: (0, 2), target_tokens: (2, 8))", "`masking.input_tokens` is out of range | 0 | at least 1 token"),
        (
            "masking: (input_tokens: (32, 40), target_tokens: (2, 8))",
            "`masking.input_tokens` asks for more tokens than a sample has | (32, 40) | at most 31, the sum of the lengths",
        ),
        ("masking: (ratio: (input: 0.5, target: 0.75))", "`masking.ratio` is out of range | 1.25 | input + target of at most 1"),
        (
            "masking: (input_tokens: (2, 8), target_tokens: (2, 8), input_alphas: {\"b@99\": 1.0})",
            "no modality is named `b@99` | did you mean `b@9`?",
        ),
        (
            "masking: (input_tokens: (2, 8), target_tokens: (2, 8), target_alphas: 0.0)",
            "`masking.target_alphas` is 0 for every modality | at least one modality above 0",
        ),
        (
            "masking: (input_tokens: (2, 8), target_tokens: (2, 8), directions: [(inputs: [\"c\"], targets: [\"c\"], share: 0.5)])",
            "`c` is both input and target | a direction gives whole modalities: the target would be known",
        ),
        (
            "masking: (input_tokens: (2, 8), target_tokens: (2, 8), directions: [(inputs: [\"c\"], targets: [\"b@9\"], share: 0.6), (inputs: [\"b@9\"], targets: [\"c\"], share: 0.6)])",
            "`masking.directions` is out of range | 1.2 | shares that sum to at most 1",
        ),
    ] {
        assert_eq!(brief(masking, new), [expected], "{new}");
    }
}

#[test]
fn sources_hashes_and_pins() {
    let hash = "0".repeat(63);
    for (new, expected) in [
        ("data: (path: \"x\", synthetic: (classes: 4))", "`data` has both `path` and `synthetic` | exactly one source of tokens".to_owned()),
        ("data: ()", "`data` has neither `path` nor `synthetic` | exactly one source of tokens".into()),
        (
            &format!("data: (path: \"x\", sha256: \"{hash}\")"),
            format!("`data.sha256` is not a hash | \"{hash}\" | 64 hexadecimal digits | `nano4m pin FILE` writes it"),
        ),
        (
            "data: (path: \"x\", splits: (eval: \"test\"))",
            "`test` and `eval` are the same split | \"test\" | a clip must not be in two splits".into(),
        ),
        (
            "data: (path: \"x\"), pins: (commit: \"main\")",
            "`pins.commit` is not a hash | \"main\" | 7 to 64 hexadecimal digits | `nano4m pin FILE` writes it".into(),
        ),
    ] {
        assert_eq!(brief("data: (synthetic: (classes: 4))", new), [expected], "{new}");
    }
}

#[test]
fn probes_that_cannot_be_run() {
    for (new, expected) in [
        ("CrossEntropy(masks: 0)", "`probes[0].masks` is out of range | 0 | at least 1"),
        ("Retrieval(pairs: [(\"a\", \"b@9\")])", "no modality is named `a` | modalities: `a@16`, `b@9`, `c`"),
        ("Retrieval(pairs: [(\"c\", \"c\")])", "`c` would be searched for itself"),
        (
            "ForwardVsAutoregressive(input: \"a@16\", target: \"b@9\")",
            "`b@9` has no text | the probe needs a caption: declare `text: Gpt2` or `text: Words` on it",
        ),
        (
            "Classify(inputs: [[\"a@16\"]], templates: [\"a thing\"])",
            "the template does not name the class | \"a thing\" | a text with {class} or {caption} in it",
        ),
        (
            "CrossEntropy(), CrossEntropy(masks: 2)",
            "the same probe as probes[0] | their scores would be mixed: put both into one probe, or keep one",
        ),
        (
            "CrossEntropy(), CrossEntropy(masks: 3)",
            "measures the same as probes[0] | their scores would be mixed: put both into one probe, or keep one",
        ),
        (
            "Classify(inputs: [[\"c\"]])",
            "`c` is both input and target | c | the class is read off the caption: remove it from the inputs",
        ),
        (
            "CrossEntropy(masking: (input_tokens: (0, 4), target_tokens: (1, 4)))",
            "`probes[0].masking.input_tokens` is out of range | 0 | at least 1 token",
        ),
        (
            "Generation(inputs: [\"a@16\"], target: \"c\", decode: (steps: 7))",
            "`probes[0].decode.steps` is out of range | 7 | 1 to the number of tokens that are generated",
        ),
        (
            "Generation(inputs: [\"a@61\"], target: \"b@9\")",
            "no modality is named `a@61` | did you mean `a@16`?",
        ),
        (
            "Generation(inputs: [\"a@16\"], target: \"b@9\", decode: (temperature: -1.0))",
            "`probes[0].decode.temperature` is out of range | -1 | 0 (argmax) or more",
        ),
        (
            "Generation(inputs: [\"a@16\"], target: \"b@9\", decode: (top_k: 1.5))",
            "`probes[0].decode.top_k` is out of range | 1.5 | 0 (off), a fraction below 1, or a whole number",
        ),
        (
            "Generation(inputs: [\"a@16\"], target: \"b@9\", decode: (top_p: 1.5))",
            "`probes[0].decode.top_p` is out of range | 1.5 | 0 to 1",
        ),
        (
            "Generation(inputs: [\"a@16\"], target: \"b@9\", prefix: 1.0)",
            "`probes[0].prefix` is out of range | 1 | a share of the target: 0 or more, below 1",
        ),
        (
            "Generation(inputs: [\"a@16\"], target: \"b@9\", prefix: 0.5, decode: (steps: 6))",
            "`probes[0].decode.steps` is out of range | 6 | 1 to the number of tokens that are generated",
        ),
        ("LinearProbe(inputs: [[\"b@8\"]])", "no modality is named `b@8` | did you mean `b@9`?"),
        ("Memorization(modality: \"c\", given: [\"c\"])", "`c` is both input and target"),
        ("Directions([])", "the probe has no directions"),
        (
            "LinearProbe(inputs: [[\"a@16\", \"b@9\"], [\"b@9\"], [\"b@9\", \"a@16\"]])",
            "the same as probes[0].inputs[0] | its clips would count twice: keep one",
        ),
        (
            "Classify(inputs: [[\"a@16\"], [\"a@16\"]])",
            "the same as probes[0].inputs[0] | its clips would count twice: keep one",
        ),
        (
            "Retrieval(pairs: [(\"c\", \"b@9\"), (\"b@9\", \"c\"), (\"c\", \"b@9\")])",
            "the same as probes[0].pairs[0] | its clips would count twice: keep one",
        ),
        // The synthetic test split has 128 clips.
        (
            "Retrieval(pairs: [(\"c\", \"b@9\")]), Retrieval(pairs: [(\"c\", \"b@9\")], gallery: 128)",
            "measures the same as probes[0] | their scores would be mixed: put both into one probe, or keep one",
        ),
    ] {
        assert_eq!(brief("CrossEntropy(masks: 2)", new), [expected], "{new}");
    }
    let wordless = SMALL
        .replace(", text: Words", "")
        .replace("CrossEntropy(masks: 2)", "Classify(inputs: [[\"a@16\"]])");
    assert_eq!(
        messages_of(&wordless, &[]),
        "m.ron:17:14: error: the probe scores captions, but no modality has a text\n      \
         help: declare `text: Gpt2` or `text: Words` on the caption modality"
    );
}

#[test]
fn claims_that_cannot_be_judged() {
    for (claim, expected) in [
        ("metric: \"cross_entropy\", against: \"x\"", "the metric cannot be read | \"cross_entropy\" | probe/what, e.g. \"cross_entropy/tok_audio@512\""),
        ("metric: \"crossentropy/c\", against: \"x\"", "no metric begins with `crossentropy` | did you mean `cross_entropy`?"),
        ("metric: \"retrieval/c\", against: \"x\"", "no probe measures `retrieval/c` | add Retrieval(…) to `probes`"),
        ("metric: \"cross_entropy/a@61\", against: \"x\"", "no modality is named `a@61` | did you mean `a@16`?"),
        ("metric: \"cross_entropy/d\", against: \"x\"", "no probe of the manifest measures `cross_entropy/d` | did you mean `cross_entropy/c`?"),
        ("metric: \"cross_entropy/a@16/untrained\", against: \"x\"", "`cross_entropy/a@16/untrained` is not of the model | a claim about the model names what it is held against: against: \"untrained\""),
        ("metric: \"cross_entropy/c\", against: \"chance\"", "`cross_entropy/c` is not measured for `chance` | baselines: `shuffled_input`, `unconditional`, `position_marginal`, `unigram_marginal`, `untrained`, `uniform`"),
        ("metric: \"cross_entropy/c\", against: \"unigram_margnal\"", "`unigram_margnal` is no baseline, so it is taken for another experiment | did you mean `unigram_marginal`?"),
        ("metric: \"cross_entropy/c\", against: \"\"", "the claim is against nothing | a baseline such as \"unigram_marginal\", or a run"),
    ] {
        assert_eq!(brief("probes:", &format!("claims: [({claim})], probes:")), [expected], "{claim}");
    }
}

/// What only the data tell is refused once they are open.
#[test]
fn what_the_data_leave_undecided_is_refused() {
    let of = |probes: &str, claim: &str| {
        let text = SMALL
            .replace("probes: [CrossEntropy(masks: 2)]", &format!("claims: [({claim})], probes: [{probes}]"));
        text::parse(&text.replace("(synthetic: (classes: 4))", "(path: \"x\")")).unwrap()
    };
    let retrieval = "Retrieval(pairs: [(\"a@16\", \"b@9\")])";
    let both = format!("{retrieval}, {}", retrieval.replace(")])", ")], gallery: 20)"));
    let r5 = "metric: \"retrieval/a@16->b@9/r5\", against: \"chance\"";
    let e = of(&both, r5);
    assert!(check::check(&e).is_empty(), "{:?}", check::check(&e));
    let told = |e: &Experiment, clips, classes| -> Vec<String> {
        check::on_data(e, clips, classes).into_iter().map(|f| format!("{}: {}", f.path, f.what)).collect()
    };
    assert!(told(&e, 21, 4).is_empty());
    assert_eq!(told(&e, 20, 4), ["probes[1]: measures the same as probes[0]"]);
    let one = of(retrieval, r5);
    assert!(told(&one, 6, 4).is_empty());
    let sure = "claims[0].against: `retrieval/a@16->b@9/r5` cannot be above chance, which is 100 %";
    assert_eq!(told(&one, 5, 4), [sure]);
    let top3 = of(
        "Classify(inputs: [[\"a@16\"]])",
        "metric: \"classification/a@16/caption_likelihood/top3\", against: \"chance\"",
    );
    assert!(told(&top3, 20, 4).is_empty());
    assert_eq!(told(&top3, 20, 3).len(), 1);
    let text = format!(
        "claims: [(metric: \"retrieval/a@16->b@9/r10/gallery8\", against: \"chance\")], probes: [{}]",
        retrieval.replace(")])", ")], gallery: 8)")
    );
    assert_eq!(
        brief("probes: [CrossEntropy(masks: 2)]", &text),
        ["`retrieval/a@16->b@9/r10/gallery8` cannot be above chance, which is 100 % | the first 10 of 8"]
    );
}

/// A key with such a name in it could be read in two ways.
#[test]
fn a_modality_may_not_be_called_as_a_metric_is() {
    for (name, why) in [
        ("untrained", "`untrained` is a source of `cross_entropy`"),
        ("accuracy", "`accuracy` is a quantity of `directions`"),
        ("gallery8", "`gallery8` is a variant of `retrieval`"),
        ("x+y", "`+` joins names there"),
        ("x→y", "`→` joins names there"),
    ] {
        let expected = format!(
            "the modality's name is a word of metrics | {name:?} | a name that a metric's key cannot be misread at | \
             {why}: rename the modality, and its folder in the dataset"
        );
        assert_eq!(brief("name: \"c\"", &format!("name: {name:?}")), [expected]);
    }
}

/// Every claim is judged by what its probe leaves, or refused before the training that would decide it.
#[test]
fn claims_on_every_probe() {
    let probes = "probes: [
        CrossEntropy(), Classify(inputs: [[\"a@16\"]]), Retrieval(pairs: [(\"a@16\", \"b@9\")], gallery: 8),
        Memorization(modality: \"a@16\", given: []), Directions([(inputs: [\"a@16\"], targets: [\"b@9\"])]),
        ForwardVsAutoregressive(input: \"a@16\", target: \"c\"), Generation(inputs: [\"a@16\"], target: \"b@9\"),
        LinearProbe(inputs: [[\"a@16\"]])]";
    let judged = |claim: &str| {
        let text = format!("claims: [({claim})], {probes}");
        brief("probes: [CrossEntropy(masks: 2)]", &text)
    };
    for claim in [
        "metric: \"cross_entropy/a@16\", against: \"unigram_marginal\"",
        "metric: \"cross_entropy/a@16/gain\", against: \"other\"",
        "metric: \"classification/a@16/caption_likelihood\", against: \"chance\"",
        "metric: \"classification/a@16/sequence_decode/top1\", against: \"shuffled_input\"",
        "metric: \"retrieval/a@16->b@9/r5/gallery8\", against: \"chance\", margin: 10",
        "metric: \"retrieval/a@16 → b@9/gallery8\", against: \"untrained\"",
        "metric: \"memorization/train/accuracy\", against: \"other\"",
        "metric: \"directions/a@16->b@9\", against: \"unigram_marginal\"",
        "metric: \"forward_vs_autoregressive/c/autoregressive\", against: \"single\"",
        "metric: \"generation/a@16->b@9/agreement\", against: \"agreement_of_real\"",
        "metric: \"linear_probe/a@16\", against: \"random_weights\"",
    ] {
        assert_eq!(judged(claim), [""; 0], "{claim}");
    }
    for (claim, expected) in [
        (
            "metric: \"classification/a@16/typo\", against: \"chance\"",
            "no probe of the manifest measures `classification/a@16/typo` | did you mean `classification/a@16/caption_likelihood/top1`?",
        ),
        (
            "metric: \"retrieval/a@16->b@9/r5\", against: \"chance\"",
            "no probe of the manifest measures `retrieval/a@16->b@9/r5` | did you mean `retrieval/a@16->b@9/r5/gallery8`?",
        ),
        (
            "metric: \"retrieval/b@9->a@16/r5/gallery8\", against: \"chance\"",
            "no probe of the manifest measures `retrieval/b@9->a@16/r5/gallery8` | did you mean `retrieval/a@16->b@9/r5/gallery8`?",
        ),
        (
            "metric: \"memorization/auc\", against: \"chance\"",
            "`memorization/auc` is no mean over clips: no test here judges it | the same probe measures \
             `memorization/train/accuracy`, `memorization/train/cross_entropy`, `memorization/test/accuracy`, \
             `memorization/test/cross_entropy`",
        ),
        (
            "metric: \"generation/a@16->c/entropy\", against: \"other\"",
            "no probe of the manifest measures `generation/a@16->c/entropy` | did you mean `generation/a@16->b@9/entropy`?",
        ),
        (
            "metric: \"classification/a@16/caption_likelihood\", against: \"untrained\"",
            "`classification/a@16/caption_likelihood/top1` is not measured for `untrained` | baselines: `chance`, `shuffled_input`, `majority_class`",
        ),
        (
            "metric: \"classification/a@16/caption_likelihood/true_logp\", against: \"majority_class\"",
            "`classification/a@16/caption_likelihood/true_logp` is not measured for `majority_class` | baselines: `shuffled_input`",
        ),
        (
            "metric: \"memorization/train/accuracy\", against: \"untrained\"",
            "`memorization/train/accuracy` is not measured for `untrained` | name another experiment",
        ),
    ] {
        assert_eq!(judged(claim), [expected], "{claim}");
    }
}

#[test]
fn another_schema_is_named_before_its_unknown_fields() {
    assert_eq!(
        messages("schema: 1", "schema: 7, horizon: 3"),
        "m.ron:3:5: error: unknown manifest schema\n     found: 7\n  expected: 1\n      \
         help: the manifest was written for a newer nano4m: update the program"
    );
}

#[test]
fn overrides_are_applied_and_blamed() {
    let loaded = parse(SMALL, Path::new("m.ron"), &["train.lr=2e-3".into(), "name=other".into()]).unwrap();
    assert_eq!((loaded.experiment.train.lr, loaded.experiment.name.as_str()), (2e-3, "other"));
    assert_eq!(loaded.text, SMALL);
    // The value that the override set is blamed on it, others on the file; the last override counts.
    assert_eq!(
        messages_of(SMALL, &["train.lr=1.0", "modalities.b@9.vocab=1", "train.lr=1e-6"]),
        "m.ron:15:33: error: the final learning rate is above the peak\n     found: 0.00001\n  \
         expected: at most `lr`, 0.000001\n\
         --set modalities.b@9.vocab=1: error: `modalities[1].vocab` is out of range\n     found: 1\n  expected: at least 2"
    );
    assert_eq!(
        messages_of(SMALL, &["train.lrr=1"]),
        "--set train.lrr=1: error: `train` has no field `lrr`\n      help: did you mean `lr`?"
    );
}

#[test]
fn a_missing_file_suggests_its_neighbour() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("synthetic.ron"), SMALL).unwrap();
    let wrong = read(&folder.path().join("sintetic.ron"), &[]).unwrap_err();
    let near = folder.path().join("synthetic.ron").display().to_string();
    assert_eq!(wrong.items[0].help.as_deref(), Some(format!("did you mean `{near}`?").as_str()));
    assert_eq!(read(&folder.path().join("synthetic.ron"), &[]).unwrap().experiment, small());
    // The name alone is looked for where this repository keeps its manifests.
    let wrong = read(Path::new("span_stride2"), &[]).unwrap_err();
    assert_eq!(wrong.items[0].help.as_deref(), Some("did you mean `experiments/span_stride2.ron`?"));
    std::fs::write(folder.path().join("binary.ron"), b"\xff\xfe").unwrap();
    let wrong = read(&folder.path().join("binary.ron"), &[]).unwrap_err();
    assert_eq!(wrong.items[0].what, "the file is text in UTF-16, not a manifest");
    assert_eq!(crate::fault::Fault::from(wrong).exit, crate::fault::Exit::Invalid);
}

#[test]
fn the_shipped_manifests_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "ron") {
            let loaded = read(&path, &[]).unwrap_or_else(|all| panic!("{all}"));
            assert_eq!(loaded.warnings, [], "{}", path.display());
        }
    }
}

/// Eight mistakes of every kind, with an override that is wrong in two ways: one round.
#[test]
fn all_mistakes_are_shown_in_one_round() {
    let text = SMALL
        .replace("schema: 1,", "schema: 1")
        .replace("vocab: 16", "vocab: 1")
        .replace("length: 6", "lenght: 6")
        .replace("warmup_tokens: 1_000", "warmup_tokens: 1e3")
        .replace("lr: 1e-3", "lr: \"fast\"")
        .replace("input_tokens: (2, 8)", "input_tokens: (8, 2)")
        .replace("(name: \"a@16\", length: 16, ", "(length: 16, ")
        .replace("CrossEntropy(masks: 2)", "CrossEntrpy(masks: 0), Retrieval(pairs: [(\"b@99\", \"c\")])");
    let overrides = ["model.dim=36".to_owned(), "data.synthetic=(clases: 4, rows: -1)".into()];
    let all = parse(&text, Path::new("my/m.ron"), &overrides).unwrap_err();
    assert_eq!(all.errors(), 12);
    let fault = crate::fault::Fault::from(all);
    let shown = fault.to_string();
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    assert!(fault.listing.unwrap().coloured.contains("\x1b["));
    insta::assert_snapshot!("all_mistakes", shown);
}

#[test]
fn what_a_source_holds_is_shown_harmlessly_and_cut() {
    let name = "x".repeat(3000);
    let text = SMALL
        .replace("\"c\"", &format!("\"{name}\""))
        .replace("name: \"small\"", "name: \"sm\x1b[31mall\"")
        .replace("[CrossEntropy", "[Clas\u{202e}sify, CrossEntropy");
    let shown =
        crate::fault::Fault::from(parse(&text, Path::new("\x1b]0;m.ron"), &[]).unwrap_err()).to_string();
    assert!(!shown.contains(['\x1b', '\u{202e}']), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    assert!(shown.len() < 4000, "{shown}");
    insta::assert_snapshot!("harmless", shown);
}

#[test]
fn sizes_are_bounded_before_anything_is_allocated() {
    for (setting, path) in [
        ("model.mlp_ratio=1e30", "model.mlp_ratio"),
        ("model.enc_depth=1000000000", "model.enc_depth"),
        ("model.dec_depth=18446744073709551615", "model.dec_depth"),
        ("model.dim=8000000000", "model.dim"),
        ("train.batch=1000000000", "train.batch"),
        ("train.tokens_per_sample=18446744073709551615", "train.tokens_per_sample"),
        ("train.tokens=18446744073709551615", "train.tokens"),
        ("data.synthetic.rows=1000000000", "data.synthetic.rows"),
        ("data.synthetic.classes=1000000000", "data.synthetic.classes"),
        ("data.synthetic.clips=(1000000000, 18446744073709551615, 9)", "data.synthetic.clips[0]"),
        ("modalities.c.length=9223372036854775808", "modalities[2].length"),
        ("modalities.b@9.length=18446744073709551615", "modalities[1].length"),
        ("modalities.b@9.vocab=18446744073709551615", "modalities[1].vocab"),
        ("modalities.b@9.grid=(4294967296, 4294967296)", "modalities[1].grid"),
        ("modalities.a@16.codebooks=18446744073709551615", "modalities[0].codebooks"),
        ("masking.input_tokens=(1, 18446744073709551615)", "masking.input_tokens"),
        ("masking.input_alphas=1e300", "masking.input_alphas"),
        ("probes.CrossEntropy.masks=18446744073709551615", "probes[0].masks"),
        ("probes=[Retrieval(pairs: [(\"c\", \"b@9\")], gallery: 18446744073709551615)]", "probes[0].gallery"),
        ("probes=[Generation(inputs: [\"c\"], target: \"b@9\", decode: (steps: 18446744073709551615))]", "probes[0].decode.steps"),
        ("probes=[Generation(inputs: [\"c\"], target: \"b@9\", decode: (top_k: 1e300))]", "probes[0].decode.top_k"),
        ("name=\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", "name"),
    ] {
        let all = parse(SMALL, Path::new("m.ron"), &[setting.to_owned()]).map(|_| ()).unwrap_err();
        assert!(all.items.iter().any(|d| d.path == path && d.severity == Severity::Error), "{setting}: {all}");
    }
}

#[test]
fn many_entries_are_refused_in_no_time() {
    let many =
        |n: usize| (0..n).map(|i| format!("(name: \"m{i}\", length: 4, vocab: 8),")).collect::<String>();
    let told = |text: &str| parse(text, Path::new("m.ron"), &[]).unwrap_err().to_string();
    let begun = std::time::Instant::now();
    let modalities = |n| SMALL.replace("(name: \"a@16\"", &format!("{}(name: \"a@16\"", many(n)));
    assert!(told(&modalities(62))
        .contains("`modalities` has too many entries\n     found: 65\n  expected: at most 64"));
    assert!(told(&modalities(100_000)).contains("found: 100003"), "{}", told(&modalities(100_000)));
    let probes =
        |n| SMALL.replace("[CrossEntropy", &format!("[{}CrossEntropy", "CrossEntropy(masks: 2), ".repeat(n)));
    assert!(told(&probes(100_000)).contains("`probes` has too many entries"));
    assert!(told(&probes(999)).contains("the same probe as probes[0]"));
    let fields = (0..100_000).map(|i| format!("f{i}: 1, ")).collect::<String>();
    assert!(told(&SMALL.replace("schema: 1", &format!("{fields} schema: 1"))).contains("too many entries"));
    assert!(told(&format!("{}1", "(a: [".repeat(100_000))).contains("nested deeper"));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn what_is_no_manifest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let all = read(&folder.path().join(name), &[]).map(|_| ()).unwrap_err();
        let d = all.items.into_iter().next().unwrap();
        [Some(d.what), d.found, d.help].into_iter().flatten().collect::<Vec<_>>().join(" | ")
    };
    assert_eq!(
        said("a.ron", b"PK\x03\x04...."),
        "the file is a zip archive, not a manifest | unpack it and name the folder or file that was inside"
    );
    assert_eq!(
        said("b.ron", b"ab\xffc"),
        "the manifest is not text | a byte 0xff in line 1 that is no UTF-8"
    );
    assert!(said("c.ron", b"version https://git-lfs.github.com/spec/v1\n").contains("`git lfs pull`"));
    assert!(said("d.ron", b"<!DOCTYPE html>").contains("an HTML page"));
    assert!(said("e.yaml", b"run_name: x").contains("YAML, not a manifest | `nano4m import FILE`"));
    assert_eq!(said("f.ron", b""), "the file holds no value");
    let large = vec![b' '; 5 << 20];
    assert_eq!(
        said("g.ron", &large),
        "cannot read the manifest: it has 5242880 bytes or more; at most 4194304 belong here"
    );
    let folder_itself = read(folder.path(), &[]).unwrap_err();
    assert_eq!(folder_itself.items[0].what, "cannot read the manifest: a folder, not a file");
    let marked = format!("\u{feff}{SMALL}");
    std::fs::write(folder.path().join("marked.ron"), marked).unwrap();
    assert_eq!(read(&folder.path().join("marked.ron"), &[]).unwrap().experiment, small());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.ron");
    let name = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
    // SAFETY: `name` is a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    assert_eq!(
        read(&pipe, &[]).unwrap_err().items[0].what,
        "cannot read the manifest: a named pipe, not a regular file"
    );
}

proptest::proptest! {
    /// Whatever the numbers: no panic, no overflow.
    #[test]
    fn any_numbers_are_checked(e in testing::any_experiment()) {
        check::check(&e);
        check::on_data(&e, 7, 3);
    }
}
