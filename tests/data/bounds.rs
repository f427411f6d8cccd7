//! Nothing is read, waited for or allocated beyond what the manifest allows.

use crate::fixture::{gzip, npy, zstd, Fixture, Tar};
use nano4m::fault::{Exit, Fault};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const FILE: &str = "train/tok_a@3/s4.npy";

fn refused(change: impl Fn(&mut Fixture)) -> Fault {
    let mut f = Fixture::new();
    change(&mut f);
    let fault = f.fault();
    assert_eq!(fault.exit, Exit::Invalid, "{fault}");
    assert!(fault.help.is_some() && fault.place.is_some(), "{fault}");
    fault
}

fn pipe(path: &Path) {
    let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a path that ends in a zero byte.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// Most memory this process has held, bytes.
fn peak() -> u64 {
    // SAFETY: `usage` is a plain struct that the call fills.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) }, 0);
    usage.ru_maxrss as u64 * 1024
}

#[test]
fn a_member_that_claims_20_gb_is_refused_unread() {
    let before = peak();
    let claims = 20_000_000_000;
    let whole = |f: &mut Fixture| {
        let mut tar = Tar::default();
        tar.header(FILE.as_bytes(), b'0', claims);
        f.archive(&tar.0);
    };
    // Cut behind the header: what it claims is looked at first, then the archive turns out to be cut.
    let fault = refused(whole);
    assert_eq!(fault.what, "corrupt archive");
    // The hole of a sparse file.
    let fault = refused(|f| {
        let mut tar = Tar::default();
        tar.header(FILE.as_bytes(), b'S', 0);
        let mut block: [u8; 512] = std::mem::take(&mut tar.0).try_into().unwrap();
        block[483] = 0x80;
        block[487..495].copy_from_slice(&claims.to_be_bytes());
        tar.block(block);
        let bytes = tar.fixture(f, "", |n| n == FILE).end();
        f.archive(&bytes);
    });
    assert_eq!(
        (fault.what.as_str(), fault.place.as_deref()),
        ("a file larger than the manifest allows", Some(FILE))
    );
    assert_eq!(fault.found.unwrap(), "20000000000 bytes");
    assert_eq!(fault.expected.unwrap(), "at most 305536 bytes");
    assert!(peak() - before < 300 << 20, "{} bytes more", peak() - before);
}

#[test]
fn what_unpacks_to_much_more_is_not_kept() {
    // 256 MiB of zeros in one member, 1 : 1000 and better.
    let size = 256 << 20;
    for packed in [gzip, zstd] {
        let fault = refused(|f| {
            let mut tar = Tar::default();
            tar.fixture(f, "", |n| n == FILE).header(FILE.as_bytes(), b'0', size);
            let bytes = [packed(&tar.0), packed(&vec![0; size as usize + 1024])].concat();
            assert!(bytes.len() < 4 << 20);
            f.archive(&bytes);
        });
        assert_eq!(fault.found.unwrap(), "268435456 bytes");
    }
}

#[test]
fn headers_and_lists_of_any_length_are_refused() {
    for kind in [b'x', b'L'] {
        let fault = refused(|f| {
            let mut tar = Tar::default();
            tar.header(b"long", kind, 1 << 40).data(&[0; 4096]);
            f.archive(&tar.end());
        });
        assert_eq!(fault.found.unwrap(), "headers of 1099511627776 bytes about one member");
    }
    // Nor do many headers about one member add up.
    let fault = refused(|f| {
        let mut tar = Tar::default();
        let text = "17 comment=abcde\n".repeat(20_000);
        (0..5).for_each(|_| {
            tar.header(b"pax", b'x', text.len() as u64).data(text.as_bytes());
        });
        let bytes = tar.fixture(f, "", |_| false).end();
        f.archive(&bytes);
    });
    assert_eq!(fault.found.unwrap(), "headers of 1360000 bytes about one member");
    let fault = refused(|f| {
        let mut tar = Tar::default();
        let record = |key: &str, value: &str| format!("{} {key}={value}\n", key.len() + value.len() + 5);
        let text = record("GNU.sparse.major", "1") + &record("GNU.sparse.realsize", "4096");
        tar.header(b"x", b'x', text.len() as u64).data(text.as_bytes());
        let mut map = b"99999999\n".to_vec();
        map.resize(512, b'1');
        f.archive(&tar.file(FILE.as_bytes(), &map).end());
    });
    assert_eq!(fault.found.unwrap(), "a file with holes of more than 100000 pieces");
}

#[test]
fn a_caption_of_100_mb_is_refused_unread() {
    let before = peak();
    let fault = refused(|f| {
        let path = f.root().join("train/scene_desc/s4.json");
        fs::write(&path, b"[\"").unwrap();
        fs::File::options().write(true).open(path).unwrap().set_len(100 << 20).unwrap();
    });
    assert_eq!(
        (fault.what.as_str(), fault.found.as_deref()),
        ("a file larger than the manifest allows", Some("104857600 bytes"))
    );
    let fault =
        refused(|f| f.write("train/scene_desc/s4.json", format!("[\"{}\"]", "a".repeat(5000)).as_bytes()));
    assert_eq!(fault.found.unwrap(), "5000 characters in row 0");
    assert!(peak() - before < 300 << 20);
}

#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let fault = refused(|f| {
        f.remove(FILE);
        pipe(&f.root().join(FILE));
    });
    assert_eq!(
        (fault.place.as_deref(), fault.found.as_deref()),
        (Some(FILE), Some("a named pipe, not a regular file"))
    );
    let fault = refused(|f| {
        f.remove(FILE);
        std::os::unix::fs::symlink("/dev/zero", f.root().join(FILE)).unwrap();
    });
    assert_eq!(fault.found.unwrap(), "a device, not a regular file");
    let fault = refused(|f| {
        f.remove(FILE);
        std::os::unix::fs::symlink("nowhere", f.root().join(FILE)).unwrap();
    });
    assert_eq!((fault.what.as_str(), fault.place.as_deref()), ("a link that leads nowhere", Some(FILE)));
    let fault = refused(|f| {
        let path = f.folder.path().join("pipe.tar");
        pipe(&path);
        f.data.path = Some(path.display().to_string());
    });
    assert_eq!(fault.found.unwrap(), "a named pipe, not a regular file");
    let fault = refused(|f| {
        let mut tar = Tar::default();
        tar.fixture(f, "", |n| n == FILE).header(FILE.as_bytes(), b'6', 0);
        f.archive(&tar.end());
    });
    assert_eq!(
        (fault.place.as_deref(), fault.found.as_deref()),
        (Some(FILE), Some("a device or a named pipe"))
    );
}

#[test]
fn rows_and_shapes_are_held_against_the_manifest() {
    let fault = refused(|f| f.write(FILE, &npy("|u1", &[10_001, 3], &[0; 30_003])));
    assert_eq!(fault.found.unwrap(), "[10001, 3]: more than 10000 rows");
    let huge =
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (18446744073709551615, 18446744073709551615)}";
    let fault = refused(|f| {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((huge.len() as u16).to_le_bytes());
        f.write(FILE, &[&file[..], huge].concat());
    });
    assert_eq!(fault.what, "truncated or overlong npy file");
}
