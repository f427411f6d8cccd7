//! Time limits: as Slurm takes them, or as everything else here does (`2h`, `90m`, `1d12h`).

/// Longest limit that is understood: a year, seconds.
const LONGEST: u64 = 366 * 86_400;

/// A limit, in seconds; `None` for no limit (`UNLIMITED`, `INFINITE`, and 0, which means that there).
///
/// # Errors
/// If it is neither Slurm's form nor ours: what would be.
pub fn seconds(text: &str) -> Result<Option<u64>, String> {
    let expected = || {
        "minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, \
         days-hours:minutes:seconds or UNLIMITED, as Slurm takes them, or 30m, 2h, 1d12h"
            .to_string()
    };
    if ["unlimited", "infinite"].contains(&text.to_ascii_lowercase().as_str()) {
        return Ok(None);
    }
    let total = of_slurm(text).or_else(|| of_units(text)).ok_or_else(expected)?;
    if total > LONGEST {
        return Err("at most a year, or UNLIMITED".into());
    }
    Ok((total > 0).then_some(total))
}

/// The limit as `sbatch --time` takes it.
///
/// # Errors
/// As [`seconds`].
pub fn directive(text: &str) -> Result<String, String> {
    Ok(match seconds(text)? {
        None => "UNLIMITED".into(),
        // What Slurm understands goes to it as it was written.
        Some(_) if of_slurm(text).is_some() => text.into(),
        Some(total) => {
            let (days, rest) = (total / 86_400, total % 86_400);
            let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
            if days > 0 {
                format!("{days}-{clock}")
            } else {
                clock
            }
        }
    })
}

/// One of Slurm's six forms.
fn of_slurm(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (Some(number(days)?), clock),
        None => (None, text),
    };
    let parts: Vec<u64> = clock.split(':').map(number).collect::<Option<_>>()?;
    let seconds = match (days, &parts[..]) {
        (None, [minutes]) => minutes * 60,
        (None, [minutes, seconds]) => minutes * 60 + seconds,
        (None, [hours, minutes, seconds]) => hours * 3600 + minutes * 60 + seconds,
        (Some(_), [hours]) => hours * 3600,
        (Some(_), [hours, minutes]) => hours * 3600 + minutes * 60,
        (Some(_), [hours, minutes, seconds]) => hours * 3600 + minutes * 60 + seconds,
        _ => return None,
    };
    Some(days.unwrap_or(0) * 86_400 + seconds)
}

/// Numbers with units: `1d12h`, `90m`.
fn of_units(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count = number(&rest[..digits])?;
        let unit = match rest[digits..].chars().next()? {
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.saturating_add(count * unit);
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(total)
}

/// Digits alone, of a number that days of it do not overflow.
fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse::<u32>().ok().filter(|_| plain).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_slurm_pass_as_they_are_and_others_become_slurms() {
        for (text, total) in [
            ("30", 1800),
            ("30:15", 1815),
            ("4:00:00", 14_400),
            ("1-0", 86_400),
            ("2-12:30", 217_800),
            ("1-02:03:04", 93_784),
        ] {
            assert_eq!(seconds(text), Ok(Some(total)));
            assert_eq!(directive(text).as_deref(), Ok(text));
        }
        for (text, slurm) in [
            ("2h", "02:00:00"),
            ("90m", "01:30:00"),
            ("45s", "00:00:45"),
            ("1d12h", "1-12:00:00"),
            ("unlimited", "UNLIMITED"),
            ("0", "UNLIMITED"),
        ] {
            assert_eq!(directive(text).as_deref(), Ok(slurm));
        }
    }

    #[test]
    fn what_sbatch_would_refuse_is_refused_before() {
        for text in [
            "",
            "h",
            "two hours",
            "2 h",
            "2h30",
            "1.5h",
            "-1",
            "1:2:3:4",
            "1-",
            "1-2:3:4:5",
            "+3",
            "2H",
            "4:00:",
            "99999999999999999999",
            "4294967295-0",
            "400d",
            "é",
            "1é",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
