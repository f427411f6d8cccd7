//! One class in several spellings, clips without a class, classes without a training clip.

use crate::fixture::{clips, Fixture};
use nano4m::data::Part;
use nano4m::manifest::schema::Labels;

fn caption(f: &Fixture, split: &str, stem: &str, text: &str) {
    f.write(&format!("{split}/scene_desc/{stem}.json"), format!("[\"{text}\", \"{text}\"]").as_bytes());
}

/// Half of the clips `one`, half `other`, in every split.
fn spelt(one: &str, other: impl Fn(&str) -> String) -> Fixture {
    let f = Fixture::new();
    for (i, (split, stem)) in clips().enumerate() {
        let text = [one, "dog"][i % 2];
        caption(&f, split, stem, &if split == "train" { text.into() } else { other(text) });
    }
    f
}

#[test]
fn spellings_of_a_caption_are_one_class_and_no_test_clip_is_lost() {
    let plain = spelt("été", str::to_string).open().unwrap();
    for (other, noted) in [
        ((|t: &str| t.replace('é', "e\u{301}")) as fn(&str) -> String, false),
        (|t| t.to_uppercase(), true),
        (|t| format!(" {t}  "), false),
        (|t| t.replace('é', "E\u{301}"), true),
    ] {
        let d = spelt("été", other).open().unwrap();
        assert_eq!(d.classes(), ["dog", "été"], "{}", other("été"));
        for part in Part::ALL {
            let labels = |d: &nano4m::data::Dataset| {
                (0..d.split(part).len()).map(|c| d.split(part).label(c).to_string()).collect::<Vec<_>>()
            };
            assert_eq!(labels(&d), labels(&plain));
        }
        // The words are the same too: every row of the captions has the same tokens.
        for clip in 0..2 {
            assert_eq!(d.split(Part::Test).tokens(clip, 2, 0), plain.split(Part::Test).tokens(clip, 2, 0));
        }
        assert_eq!(!d.notes().is_empty(), noted, "{:?}", d.notes());
    }
    // The composed and the decomposed form are the same content.
    assert_eq!(spelt("été", |t| t.replace('é', "e\u{301}")).open().unwrap().hash, plain.hash);
}

#[test]
fn classes_without_a_training_clip_are_told() {
    let f = Fixture::new();
    caption(&f, "test", "s8", "fox barking");
    let notes = f.open().unwrap().notes().to_vec();
    assert_eq!(notes, ["note: 1 of 2 test clips are of a class without a training clip: `fox barking` (1)"]);
    assert_eq!(f.open().unwrap().summary().notes, notes, "from the cache too");
}

#[test]
fn empty_captions_and_labels_are_refused() {
    for blank in ["", " ", "\\u200b", "\\n"] {
        let f = Fixture::new();
        caption(&f, "test", "s8", blank);
        let fault = f.fault();
        assert_eq!(
            (fault.what.as_str(), fault.place.as_deref()),
            ("an empty caption", Some("test/scene_desc/s8.json"))
        );
    }
    let f = Fixture::new();
    clips().for_each(|(split, stem)| caption(&f, split, stem, ""));
    assert!(f.fault().what.starts_with("8 problems in the dataset"), "{}", f.fault());
    let mut f = Fixture::new();
    f.data.labels = Labels::File("labels.csv".into(), "class".into());
    let lines: String =
        clips().map(|(_, stem)| format!("{stem},{}\n", if stem == "s8" { " " } else { "x" })).collect();
    f.write("labels.csv", format!("stem,class\n{lines}").as_bytes());
    assert_eq!(f.fault().found.unwrap(), "no `class` for s8");
}

#[test]
fn a_caption_that_shows_nothing_is_empty() {
    for caption in ["\\u0000", "\\u001b\\u0007", "\\u200d", "\\u202e\\u2800\\u3164\\ufe0f"] {
        let f = Fixture::new();
        f.write("train/scene_desc/s4.json", format!("[\"{caption}\", \"cat\"]").as_bytes());
        assert_eq!(f.fault().what, "an empty caption", "{caption}");
    }
}

#[test]
fn what_shows_nothing_makes_no_class_and_no_word() {
    let f = Fixture::new();
    let plain = f.open().unwrap();
    let stems: Vec<_> =
        (0..2).map(|clip| plain.split(nano4m::data::Part::Test).stem(clip).to_string()).collect();
    for stem in stems {
        let path = format!("test/scene_desc/{stem}.json");
        let text = std::fs::read_to_string(f.root().join(&path)).unwrap();
        f.write(&path, text.replace(" m", " \\u202am\\u200e").replace("do", "d\\u200do\\ufe0f").as_bytes());
    }
    let odd = f.open().unwrap();
    assert_eq!(odd.classes(), plain.classes());
    for clip in 0..2 {
        let tokens =
            |data: &nano4m::data::Dataset| data.split(nano4m::data::Part::Test).sample(clip, 1).concat();
        assert_eq!(tokens(&odd), tokens(&plain));
    }
}
