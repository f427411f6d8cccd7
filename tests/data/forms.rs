//! The same content, whatever holds it: directory, archives, root folders, file order, npy types.

use crate::fixture::{clips, modality, npy, stamps_modalities, Fixture};
use nano4m::data::{Dataset, Part};
use nano4m::manifest::schema::{Data, Labels};
use nano4m::modality::Text;
use proptest::prelude::*;
use std::path::Path;

/// Hash of the embedded dataset under `stamps_modalities` and the labels `animal`.
const STAMPS: &str = "f541a31bc99eb13934aeaaa7c7179ad166635c83a26269c31f4999d2b8c30578";

#[test]
fn the_embedded_dataset() {
    let cache = tempfile::tempdir().unwrap();
    let labels = Labels::File("labels.csv".into(), "animal".into());
    let data = Data { path: Some("experiments/data/stamps.tar.zst".into()), labels, ..Data::default() };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let open = || Dataset::open(&data, &stamps_modalities(), root, cache.path()).unwrap();
    for d in [open(), open()] {
        assert_eq!(d.hash, STAMPS);
        assert_eq!(Part::ALL.map(|p| d.split(p).len()), [992, 124, 124]);
        assert_eq!((d.classes().len(), d.text(4).unwrap().size()), (62, 91));
        let test = d.split(Part::Test);
        assert_eq!((test.stem(0), test.label(0), test.rows(0)), ("tux_badger_000574", "badger", 4));
        assert_eq!(d.text(4).unwrap().decode(test.tokens(0, 4, 2)), "a photo of a badger.");
        assert_eq!(test.captions(0)[2], "A photo of a badger.");
    }
}

#[test]
fn the_published_layout_with_gpt2_captions() {
    let cache = tempfile::tempdir().unwrap();
    let data = Data { path: Some("tests/golden/probes/data.tar.zst".into()), ..Data::default() };
    let modalities = [
        modality("tok_rgb@196", 16, 64, None),
        modality("tok_audio@512", 32, 48, None),
        modality("tok_depth@196", 16, 32, None),
        modality("tok_normal@196", 16, 32, None),
        modality("scene_desc", 8, 50304, Some(Text::Gpt2)),
    ];
    let d = Dataset::open(&data, &modalities, Path::new(env!("CARGO_MANIFEST_DIR")), cache.path()).unwrap();
    assert_eq!(Part::ALL.map(|p| d.split(p).len()), [44, 11, 33]);
    assert_eq!(d.classes()[..2], ["cat meowing", "chicken clucking"]);
    let test = d.split(Part::Test);
    let text = d.text(4).unwrap();
    assert_eq!(text.decode(test.tokens(0, 4, 0)), test.captions(0)[0]);
    assert_eq!(test.sample(0, 1).iter().map(|t| t.len()).collect::<Vec<_>>(), [16, 32, 16, 16, 8]);
}

#[test]
fn the_first_tokens_of_longer_examples() {
    let mut f = Fixture::new();
    let whole = f.open().unwrap();
    f.modalities[0].length = 2;
    assert!(f.fault().to_string().contains("wrong shape"), "a shorter length alone is a mistake");
    f.data.stored.insert("tok_a@3".into(), 3);
    let cut = f.open().unwrap();
    assert_eq!(cut.hash, whole.hash, "the content is what is stored");
    for (part, row) in Part::ALL.into_iter().flat_map(|p| [(p, 0), (p, 1)]) {
        let (a, b) = (whole.split(part), cut.split(part));
        for clip in 0..a.len() {
            assert_eq!(a.tokens(clip, 0, row)[..2], *b.tokens(clip, 0, row));
            assert_eq!(a.tokens(clip, 1, row), b.tokens(clip, 1, row));
        }
    }
    assert_eq!(f.open().unwrap().split(Part::Test).tokens(0, 0, 1).len(), 2, "from the cache");
}

#[test]
fn every_form_has_the_same_hash_and_tokens() {
    let mut f = Fixture::new();
    let directory = f.open().unwrap();
    let names = [("a.tar", "."), ("b.tar.gz", "some name"), ("c.tar.zst", "x/y"), ("d.bin", "train")];
    for (name, root) in names {
        f.data.path = Some(f.pack(name, root).display().to_string());
        let archive = f.open().unwrap();
        assert_eq!(archive.hash, directory.hash, "{name}");
        for part in Part::ALL {
            let (a, b) = (archive.split(part), directory.split(part));
            for clip in 0..b.len() {
                assert_eq!(a.stem(clip), b.stem(clip));
                (0..2).for_each(|row| assert_eq!(a.sample(clip, row), b.sample(clip, row)));
            }
        }
    }
    // The folder above the dataset will do when it holds nothing else like it.
    f.data.path = Some(f.folder.path().display().to_string());
    assert_eq!(f.open().unwrap().hash, directory.hash);
}

#[test]
fn the_order_of_files_and_what_else_is_there_do_not_count() {
    let mut f = Fixture::new();
    let hash = f.open().unwrap().hash;
    f.write("train/tok_a@3/._s4.npy", b"leftover");
    f.write("train/tok_other@9/s4.npy", b"another modality");
    f.write("README.md", b"text");
    f.write("extra/x/y.npy", b"");
    assert_eq!(f.open().unwrap().hash, hash);
    let mut names: Vec<String> = Vec::new();
    for (split, stem) in clips() {
        for file in ["tok_a@3/S.npy", "tok_b@2/S.npy", "scene_desc/S.json"] {
            names.push(format!("{split}/{}", file.replace('S', stem)));
        }
    }
    names.reverse();
    let mut tar = tar::Builder::new(std::fs::File::create(f.folder.path().join("r.tar")).unwrap());
    for name in names {
        tar.append_path_with_name(f.root().join(&name), &name).unwrap();
    }
    tar.into_inner().unwrap();
    f.data.path = Some(f.folder.path().join("r.tar").display().to_string());
    assert_eq!(f.open().unwrap().hash, hash);
}

#[test]
fn what_is_named_counts_and_only_that() {
    let mut f = Fixture::new();
    f.write("labels.csv", labels("x").as_bytes());
    let hash = f.open().unwrap().hash;
    f.data.labels = Labels::File("labels.csv".into(), "class".into());
    let labelled = f.open().unwrap();
    assert_ne!(labelled.hash, hash);
    assert_eq!(labelled.classes(), ["x", "y"]);
    f.write("labels.csv", labels("z").as_bytes());
    assert_ne!(f.open().unwrap().hash, labelled.hash);
    // Without captions: tokens and labels alone.
    f.modalities.pop();
    f.write("train/scene_desc/s4.json", b"not read");
    let bare = f.open().unwrap();
    assert!(bare.split(Part::Train).captions(0).is_empty() && bare.text(1).is_none());
    // The order in which a manifest lists its modalities is not content.
    f.modalities.reverse();
    assert_eq!(f.open().unwrap().hash, bare.hash);
}

/// A labels file: the class `first` for the first clip, `y` for the others.
fn labels(first: &str) -> String {
    let lines =
        clips().enumerate().map(|(i, (_, stem))| format!("{stem},{}\n", if i == 0 { first } else { "y" }));
    format!("stem,class\n{}", lines.collect::<String>())
}

#[test]
fn captions_give_the_classes_even_when_no_modality_is_a_caption() {
    let mut f = Fixture::new();
    f.modalities.pop();
    let d = f.open().unwrap();
    assert_eq!(d.classes(), ["cat meowing", "dog barking"]);
    assert_eq!(d.split(Part::Eval).captions(0).len(), 2);
    ["train", "val", "test"].iter().for_each(|s| f.remove(&format!("{s}/scene_desc")));
    let d = f.open().unwrap();
    assert!(d.classes().is_empty());
    assert_eq!(d.split(Part::Eval).label(0), "");
}

#[test]
fn the_first_rows_only() {
    let mut f = Fixture::new();
    let all = f.open().unwrap();
    f.data.rows = Some(1);
    let first = f.open().unwrap();
    assert_eq!(first.hash, all.hash);
    let (a, b) = (first.split(Part::Train), all.split(Part::Train));
    assert_eq!((a.rows(0), a.captions(0).len(), b.rows(0)), (1, 1, 2));
    assert_eq!(a.sample(0, 0), b.sample(0, 0));
}

#[test]
fn memory_and_disk_agree() {
    let f = Fixture::new();
    let disk = f.open().unwrap();
    let parts = Part::ALL.map(|part| {
        let split = disk.split(part);
        let rows = |clip, m| (0..2).flat_map(|r| split.tokens(clip, m, r).to_vec()).collect();
        let clip = |c: usize| nano4m::data::ClipData {
            stem: split.stem(c).into(),
            label: split.label(c).into(),
            captions: split.captions(c).to_vec(),
            tokens: vec![rows(c, 0), rows(c, 1), Vec::new()],
        };
        (0..split.len()).map(clip).collect()
    });
    let memory = Dataset::from_parts(&f.modalities, parts).unwrap();
    assert_eq!(memory.hash, disk.hash);
    assert_eq!(memory.split(Part::Test).sample(1, 1), disk.split(Part::Test).sample(1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Types and shapes of files are form, values are content.
    #[test]
    fn npy_types_do_not_count(values in prop::collection::vec(0i64..100, 3), descr in 0usize..6, flat: bool) {
        let f = Fixture::new();
        f.write("val/tok_b@2/s6.npy", &npy("<i2", &[2], &[1, 2]));
        f.write("val/scene_desc/s6.json", br#"["cat meowing"]"#);
        f.write("val/tok_a@3/s6.npy", &npy("<i4", &[1, 3], &values));
        let d = f.open().unwrap();
        let descr = ["|u1", "<i2", "<u2", "<u4", "<i8", "|i1"][descr];
        let shape: &[usize] = if flat { &[3] } else { &[1, 3] };
        f.write("val/tok_a@3/s6.npy", &npy(descr, shape, &values));
        let e = f.open().unwrap();
        prop_assert_eq!(&d.hash, &e.hash);
        prop_assert_eq!(e.split(Part::Eval).tokens(1, 0, 0).iter().map(|&t| i64::from(t)).collect::<Vec<_>>(), values);
    }
}
