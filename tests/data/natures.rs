//! Files that are not what they seem are called what they are.

use crate::fixture::Fixture;
use nano4m::fault::Exit;
use nano4m::manifest::schema::Labels;

/// First bytes, as such files begin, and what they are.
const NATURES: [(&[u8], &str); 12] = [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer"),
    (b"<!DOCTYPE html>\n<html lang=\"en\"><head>", "an HTML page"),
    (b"PK\x03\x04\x14\0\0\0\x08\0", "a zip archive"),
    (b"BZh91AY&SY", "a bzip2 file"),
    (b"\xfd7zXZ\0\0\x04", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive"),
    (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
    (b"%PDF-1.7\n", "a PDF file"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
    (b"\x40\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\"", "a safetensors file"),
    (b"\x80\x02}q\0(X", "a Python pickle"),
    (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
];

#[test]
fn what_is_no_dataset_is_named_by_its_first_bytes() {
    let mut f = Fixture::new();
    for (bytes, nature) in NATURES {
        for bytes in [bytes.to_vec(), [bytes, &[7; 4000]].concat()] {
            f.archive(&bytes);
            let fault = f.fault();
            assert_eq!(
                (fault.exit, fault.what.as_str()),
                (Exit::Invalid, "not a dataset, but something else")
            );
            assert!(fault.found.as_ref().unwrap().starts_with(nature) && fault.help.is_some(), "{fault}");
            assert!(!fault.to_string().contains('\u{fffd}'), "no raw bytes: {fault}");
        }
    }
    // What is packed in gzip, and is no archive either.
    f.archive(&crate::fixture::gzip(NATURES[1].0));
    assert_eq!(f.fault().found.unwrap(), "an HTML page");
}

#[test]
fn tokens_captions_and_labels_that_are_something_else_are_named() {
    let f = Fixture::new();
    for (bytes, nature) in NATURES {
        f.write("train/tok_a@3/s4.npy", bytes);
        let fault = f.fault();
        assert_eq!(
            (fault.what.as_str(), fault.place.as_deref()),
            ("not an npy file", Some("train/tok_a@3/s4.npy"))
        );
        assert!(fault.found.as_ref().unwrap().starts_with(nature), "{fault}");
    }
    let f = Fixture::new();
    for (bytes, nature) in NATURES {
        f.write("train/scene_desc/s4.json", bytes);
        let fault = f.fault();
        assert_eq!(fault.what, "not a list of captions");
        assert!(fault.found.as_ref().unwrap().starts_with(nature), "{fault}");
    }
    let mut f = Fixture::new();
    f.data.labels = Labels::File("labels.csv".into(), "class".into());
    for (bytes, nature) in NATURES {
        f.write("labels.csv", bytes);
        let fault = f.fault();
        assert!(fault.found.as_ref().unwrap().starts_with(nature), "{fault}");
        assert_eq!(fault.place.unwrap(), "labels.csv");
    }
    f.write("labels.csv", b"\xff\xfes\0t\0e\0m\0");
    assert_eq!(f.fault().found.unwrap(), "text in UTF-16");
}

#[test]
fn a_byte_order_mark_is_no_caption() {
    let f = Fixture::new();
    let hash = f.open().unwrap().hash;
    let path = f.root().join("train/scene_desc/s4.json");
    let text = std::fs::read(&path).unwrap();
    f.write("train/scene_desc/s4.json", &[b"\xef\xbb\xbf", &text[..]].concat());
    assert_eq!(f.open().unwrap().hash, hash);
}
