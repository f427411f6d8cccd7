//! Archives as they are found: one behind the other, padded, with long names, holes and odd members.

use crate::fixture::{gzip, npy, zstd, Fixture, Tar};
use nano4m::fault::Fault;

fn halves(f: &Fixture) -> (Vec<u8>, Vec<u8>) {
    let first = Tar::default().fixture(f, "d/", |name| name.starts_with("test")).end();
    (first, Tar::default().fixture(f, "d/", |name| !name.starts_with("test")).end())
}

/// Adds a member of this name and content.
type Put = Box<dyn FnMut(&mut Tar, &str, &[u8])>;

fn refused(bytes: &[u8]) -> Fault {
    let mut f = Fixture::new();
    f.archive(bytes);
    f.fault()
}

#[test]
fn archives_one_behind_the_other_are_read_to_the_end() {
    let mut f = Fixture::new();
    let hash = f.open().unwrap().hash;
    let (a, b) = halves(&f);
    let one_zero_block = [&a[..a.len() - 512], &b].concat();
    for bytes in [
        [&a[..], &b].concat(),
        one_zero_block,
        [gzip(&a), gzip(&b)].concat(),
        [zstd(&a), zstd(&b)].concat(),
        [gzip(&a), vec![0; 700], gzip(&b), vec![0; 4096]].concat(),
        [gzip(&a), zstd(&b)].concat(),
        gzip(&[&a[..], &b].concat()),
        // A frame to be passed over, as parallel packers write it.
        [&b"\x50\x2a\x4d\x18\x04\0\0\0abcd"[..], &zstd(&[&a[..], &b].concat())].concat(),
    ] {
        f.archive(&bytes);
        assert_eq!(f.open().unwrap().hash, hash);
    }
    f.archive(&[&a[..], &a].concat());
    assert!(f.fault().what.contains("two files of one name"), "{}", f.fault());
}

#[test]
fn padding_is_passed_over_and_anything_else_behind_an_archive_is_named() {
    let mut f = Fixture::new();
    let hash = f.open().unwrap().hash;
    let whole = Tar::default().fixture(&f, "", |_| false).end();
    for (padding, bytes) in
        [(10_240, whole.clone()), (1000, gzip(&whole)), (7, zstd(&whole)), (100, whole.clone())]
    {
        f.archive(&[&bytes[..], &vec![0; padding]].concat());
        assert_eq!(f.open().unwrap().hash, hash);
    }
    let found = |bytes: Vec<u8>| {
        let fault = refused(&bytes);
        assert_eq!(fault.what, "corrupt archive");
        fault.found.unwrap()
    };
    let at = whole.len();
    assert_eq!(
        found([&whole[..], b"more"].concat()),
        format!("other bytes, at byte {at}, after the end of the archive")
    );
    let page = format!("a zip archive, at byte {at}, after the end of the archive");
    assert_eq!(found([&whole[..], b"PK\x03\x04", &[1; 600]].concat()), page);
    assert_eq!(found([&gzip(&whole)[..], b"more"].concat()), "other bytes, after the end of what is packed");
    let pdf = "a PDF file, after the end of what is packed";
    assert_eq!(found([&zstd(&whole)[..], &[0; 9], b"%PDF-1.4"].concat()), pdf);
    assert_eq!(found(vec![0; 10_240]), "nothing but zeros, no file in it");
    assert_eq!(found(whole[..whole.len() - 1024].to_vec()), "the end of the archive is missing");
    assert_eq!(found(whole[..700].to_vec()), "the archive ends inside a file");
    assert_eq!(found(whole[..1100].to_vec()), "the archive ends inside a header");
}

/// A member whose long name stands in a header of its own, of POSIX or of GNU.
#[test]
fn names_of_every_form_are_the_same() {
    let mut f = Fixture::new();
    let hash = f.open().unwrap().hash;
    let long = format!("{}/d/", "x".repeat(120));
    let name = format!("{long}train/tok_a@3/s4.npy");
    let bytes = std::fs::read(f.root().join("train/tok_a@3/s4.npy")).unwrap();
    let source = Fixture::new();
    let rest = |tar: &mut Tar, root: &str| tar.fixture(&source, root, |n| n == "train/tok_a@3/s4.npy").end();
    let record = |name: &str| {
        let body = format!(" path={name}\n");
        let length =
            (2..4).map(|digits| body.len() + digits).find(|n| n.to_string().len() + body.len() == *n);
        format!("{}{body}", length.unwrap())
    };
    let mut archives = vec![
        Tar::default().fixture(&f, "./", |_| false).end(),
        Tar::default().fixture(&f, "././/d/./", |_| false).end(),
    ];
    // Every member's path, not only one's: the root is the same.
    let all = |mut put: Put| {
        let mut tar = Tar::default();
        for (split, stem) in crate::fixture::clips() {
            for (folder, extension) in [("tok_a@3", "npy"), ("tok_b@2", "npy"), ("scene_desc", "json")] {
                let inside = format!("{split}/{folder}/{stem}.{extension}");
                let bytes = std::fs::read(source.root().join(&inside)).unwrap();
                put(&mut tar, &format!("{long}{inside}"), &bytes);
            }
        }
        tar.end()
    };
    archives.push(all(Box::new(move |tar, name, bytes| {
        let text = record(name);
        tar.header(b"pax", b'x', text.len() as u64).data(text.as_bytes()).file(b"cut", bytes);
    })));
    archives.push(all(Box::new(|tar, name, bytes| {
        let text = [name.as_bytes(), b"\0"].concat();
        tar.header(b"././@LongLink", b'L', text.len() as u64).data(&text).file(b"cut", bytes);
    })));
    // POSIX's prefix field.
    archives.push(all(Box::new(|tar, name, bytes| {
        let (above, last) =
            name.rsplit_once("/train/").or(name.rsplit_once("/val/")).or(name.rsplit_once("/test/")).unwrap();
        let split = &name[above.len() + 1..name.len() - last.len() - 1];
        let mut only = Tar::default();
        only.header(format!("{split}/{last}").as_bytes(), b'0', bytes.len() as u64);
        let mut block: [u8; 512] = only.0.try_into().unwrap();
        block[345..345 + above.len()].copy_from_slice(above.as_bytes());
        tar.block(block).data(bytes);
    })));
    for bytes in &archives {
        f.archive(bytes);
        assert_eq!(f.open().unwrap_or_else(|fault| panic!("{fault}")).hash, hash);
    }
    // Two roots are two datasets, whatever the form of their names.
    let text = [name.as_bytes(), b"\0"].concat();
    let mut tar = Tar::default();
    tar.header(b"././@LongLink", b'L', text.len() as u64).data(&text).file(b"cut", &bytes);
    let two = rest(&mut tar, "d/");
    f.archive(&two);
    assert!(f.fault().what.contains("more than one dataset"), "{}", f.fault());
}

#[test]
fn files_with_holes_are_what_they_would_be_without() {
    let f = Fixture::new();
    const NAME: &str = "train/tok_a@3/s4.npy";
    let whole = [&npy("<i4", &[500, 3], &[0; 1500])[..]].concat();
    let mut bytes = whole.clone();
    bytes[128 + 4096..128 + 4100].copy_from_slice(&7i32.to_le_bytes());
    let other = |name: &str, rows: usize| match name {
        "train/tok_b@2/s4.npy" => Some(npy("<i2", &[rows, 2], &vec![1; 2 * rows])),
        "train/scene_desc/s4.json" => Some(format!("[{}\"cat\"]", "\"cat\",".repeat(rows - 1)).into_bytes()),
        _ => None,
    };
    for name in ["train/tok_b@2/s4.npy", "train/scene_desc/s4.json"] {
        f.write(name, &other(name, 500).unwrap());
    }
    f.write(NAME, &bytes);
    let hash = f.open().unwrap().hash;
    let mut archived = Fixture::new();
    // Two pieces: the first 512 bytes, and those from 4096 to 4608; the length is `bytes.len()`.
    let stored = [&bytes[..512], &bytes[4096..4608]].concat();
    let size = bytes.len();

    let mut old = Tar::default();
    old.header(NAME.as_bytes(), b'S', stored.len() as u64);
    let mut block: [u8; 512] = std::mem::take(&mut old.0).try_into().unwrap();
    block[257..265].copy_from_slice(b"ustar  \0");
    for (i, n) in [0, 512, 4096, 512, size as u64, 0].into_iter().enumerate() {
        block[386 + 12 * i..398 + 12 * i].copy_from_slice(format!("{n:011o}\0").as_bytes());
    }
    block[483..495].copy_from_slice(format!("{size:011o}\0").as_bytes());
    old.block(block).data(&stored);

    let record = |key: &str, value: &str| {
        let body = format!(" {key}={value}\n");
        format!("{}{body}", body.len() + 2)
    };
    let named = record("GNU.sparse.name", NAME);
    let mut pax01 = Tar::default();
    let text = record("GNU.sparse.size", &size.to_string())
        + &record("GNU.sparse.map", &format!("0,512,4096,512,{size},0"))
        + &named;
    pax01.header(b"x", b'x', text.len() as u64).data(text.as_bytes());
    pax01.file(b"GNUSparseFile.1/s4.npy", &stored);

    let mut pax10 = Tar::default();
    let text = record("GNU.sparse.major", "1")
        + &record("GNU.sparse.minor", "0")
        + &record("GNU.sparse.realsize", &size.to_string())
        + &named;
    pax10.header(b"x", b'x', text.len() as u64).data(text.as_bytes());
    let mut map = format!("3\n0\n512\n4096\n512\n{size}\n0\n").into_bytes();
    map.resize(512, 0);
    pax10.file(b"GNUSparseFile.1/s4.npy", &[map, stored].concat());

    for (form, tar) in [("old", &mut old), ("0.1", &mut pax01), ("1.0", &mut pax10)] {
        let archive = tar.fixture(&f, "", |n| n == NAME).end();
        archived.archive(&archive);
        assert_eq!(archived.open().unwrap_or_else(|fault| panic!("{form}: {fault}")).hash, hash, "{form}");
    }
    // A list that has lost its last piece would leave zeros in its place.
    let mut cut = Tar::default();
    let text = record("GNU.sparse.size", &size.to_string()) + &record("GNU.sparse.map", "0,512") + &named;
    cut.header(b"x", b'x', text.len() as u64).data(text.as_bytes());
    cut.file(b"GNUSparseFile.1/s4.npy", &[&bytes[..512], &bytes[4096..4608]].concat());
    let bytes = cut.fixture(&f, "", |n| n == NAME).end();
    archived.archive(&bytes);
    let found = archived.fault().found.unwrap();
    assert_eq!(found, "a file with holes of which more is stored than its list of pieces says");
}
