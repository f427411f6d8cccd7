//! How fast a run is and how long it will take, as its log and whoever watches it say.

use crate::observer::Progress;

/// Recent speed: exponential means over about the last 20 steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    seconds: f64,
    tokens: f64,
    loss: f64,
    weight: f64,
}

impl Rate {
    /// Counts a finished step.
    pub fn add(&mut self, step: &Progress) {
        const KEEP: f64 = 0.95;
        self.seconds = KEEP * self.seconds + step.seconds;
        self.tokens = KEEP * self.tokens + step.tokens as f64;
        self.loss = KEEP * self.loss + step.loss;
        self.weight = KEEP * self.weight + 1.0;
    }

    /// Loss, learning rate, speed and time left after `step`, which was added last. Without a clock there
    /// is no speed.
    pub fn line(&self, step: &Progress) -> String {
        let loss = format!("loss {:.4} · lr {:.2e}", self.loss / self.weight, step.lr);
        if self.seconds == 0.0 {
            return loss;
        }
        let left = (step.total - step.step) as f64 * self.seconds / self.weight;
        let speed = self.tokens / self.seconds.max(1e-9);
        format!("{loss} · {speed:.0} tokens/s · {} left", clock(left))
    }
}

/// `m:ss` or `h:mm:ss`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole / 3600 {
        0 => format!("{}:{:02}", whole / 60, whole % 60),
        hours => format!("{hours}:{:02}:{:02}", whole / 60 % 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_time_left() {
        let mut rate = Rate::default();
        let step = Progress { step: 10, total: 110, loss: 2.0, lr: 1e-3, tokens: 500, seconds: 0.5 };
        (0..10).for_each(|_| rate.add(&step));
        assert_eq!(rate.line(&step), "loss 2.0000 · lr 1.00e-3 · 1000 tokens/s · 0:50 left");
        assert_eq!((clock(3725.4), clock(59.6)), ("1:02:05".into(), "1:00".into()));
    }

    #[test]
    fn without_a_clock_there_is_no_speed() {
        let mut rate = Rate::default();
        let step = Progress { step: 1, total: 2, loss: 2.0, lr: 1e-3, tokens: 500, seconds: 0.0 };
        rate.add(&step);
        assert_eq!(rate.line(&step), "loss 2.0000 · lr 1.00e-3");
    }
}
