//! What training a manifest needs, on the CPU and on each card of this machine.

use super::card_memory::{self, CardNeed, Fit};
use super::memory::{self, size, Need};
use crate::manifest::schema::Experiment;
use crate::ops::device::CardMemory;
use crate::place::Device;
use serde::Serialize;

/// What is needed in one place, bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Needed {
    /// `cpu`, `cuda:0`; `a card` where there is none.
    pub place: String,
    /// Weights, both moments.
    pub model: f64,
    pub gradients: f64,
    /// What the forward pass leaves for the backward pass, of a part of average size.
    pub activations: f64,
    /// On a card: logits of a chunk of rows, and the gradients that they leave.
    pub loss: Option<f64>,
    /// Data that are made, not read; always in the memory of the machine.
    pub data: f64,
    /// What is certainly held at once there.
    pub least: f64,
    /// What there is; absent where it is not known.
    pub available: Option<f64>,
    /// `fits`, `fits on average`, `does not fit`; absent with `available`.
    pub verdict: Option<&'static str>,
    /// What would fit, where it does not.
    pub help: Option<String>,
}

/// On the CPU, then on these cards; without one, on any.
pub fn everywhere(e: &Experiment, cards: &[(Device, CardMemory)]) -> Vec<Needed> {
    let on_cards = cards.iter().map(|(device, memory)| on_card(e, device.to_string(), Some(*memory)));
    let on_any = cards.is_empty().then(|| on_card(e, "a card".into(), None));
    std::iter::once(on_cpu(e)).chain(on_cards).chain(on_any).collect()
}

fn on_cpu(e: &Experiment) -> Needed {
    let (need, available) = (Need::of(e), memory::available().map(|(bytes, _)| bytes));
    let fits = |available: f64| if need.bytes() <= available { "fits" } else { "does not fit" };
    Needed {
        place: Device::Cpu.to_string(),
        model: need.model,
        gradients: need.gradients,
        activations: need.activations,
        loss: None,
        data: need.data,
        least: need.bytes(),
        available,
        verdict: available.map(fits),
        help: None,
    }
}

fn on_card(e: &Experiment, place: String, memory: Option<CardMemory>) -> Needed {
    // Without a card the logits have all the room that they can use.
    let need = CardNeed::on_average(e, memory.map_or(usize::MAX, |memory| memory.total));
    let fit = memory.map(|memory| card_memory::fit(e, memory));
    let verdict = |fit| match fit {
        Fit::Surely => "fits",
        Fit::OnAverage => "fits on average, but its largest steps may not",
        Fit::Not => "does not fit",
    };
    Needed {
        place,
        model: need.model,
        gradients: need.copies * need.gradient,
        activations: need.activations,
        loss: Some(need.loss),
        data: Need::of_data(e).data,
        least: need.least(),
        available: memory.map(|memory| memory.free as f64),
        verdict: fit.map(verdict),
        help: memory.filter(|_| fit != Some(Fit::Surely)).map(|memory| card_memory::help(e, memory)),
    }
}

impl Needed {
    /// In one sentence.
    pub fn sentence(&self) -> String {
        let verdict = self.verdict.map_or(String::new(), |verdict| format!("{verdict}: "));
        let of = self.available.map_or(String::new(), |bytes| format!(" of {}", size(bytes)));
        let on_host = if self.loss.is_some() { "data on the host" } else { "data" };
        let parts = [
            (Some(self.model), "weights and moments"),
            (Some(self.gradients), "gradients"),
            (Some(self.activations), "activations"),
            (self.loss, "logits and their gradients"),
            (Some(self.data).filter(|bytes| *bytes > 0.0), on_host),
        ];
        let parts = parts.into_iter().filter_map(|(bytes, what)| Some(format!("{} {what}", size(bytes?))));
        let help = self.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
        let parts = parts.collect::<Vec<_>>().join(", ");
        format!("{verdict}at least {} at once{of} ({parts}){help}", size(self.least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::overrides::apply;
    use crate::manifest::testing::small;

    #[test]
    fn every_place_has_its_verdict() {
        let card = |free| CardMemory { free, total: 8_000_000_000 };
        let cards = [(Device::Cuda(0), card(7_000_000_000)), (Device::Cuda(1), card(1_000_000))];
        let needed = everywhere(&small(), &cards);
        let places: Vec<&str> = needed.iter().map(|n| n.place.as_str()).collect();
        assert_eq!(places, ["cpu", "cuda:0", "cuda:1"]);
        let verdicts: Vec<&str> = needed.iter().filter_map(|n| n.verdict).collect();
        assert_eq!(verdicts, ["fits", "fits", "does not fit"]);
        assert!(needed[1].sentence().starts_with("fits: at least") && needed[1].help.is_none());
        let said = needed[2].sentence();
        assert!(said.contains("data on the host") && said.contains("nothing else used the card"), "{said}");
        assert!(needed[0].sentence().contains("data)"), "{}", needed[0].sentence());
    }

    #[test]
    fn without_a_card_it_is_said_what_one_would_need() {
        let e = apply(&small(), "data=(path: \"x\")").unwrap();
        let needed = everywhere(&e, &[]);
        assert_eq!((needed[1].place.as_str(), needed[1].verdict), ("a card", None));
        let said = needed[1].sentence();
        assert!(said.starts_with("at least") && !said.contains("data"), "{said}");
        assert!(needed[1].least > 33_554_432.0);
    }
}
