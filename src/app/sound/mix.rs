//! Sounds out of noise and sines, by fundsp's graph notation: `>>` leads on, `|` stands side by side, left and right.

use std::f64::consts::{PI, TAU};

use cpal::{FromSample, Sample};
use fundsp::prelude64::*;

use super::desk::{Blow, Desk, Voice};

/// What is around changes within about so long, and the volume.
const CHANGE_SECS: f32 = 0.8;
const TURN_SECS: f32 = 0.15;
/// It is not there at once when a device begins to play.
const BEGINS_SECS: f64 = 0.8;
/// After so long at volume 0 nothing is made any more.
const FADED_SECS: f64 = 1.0;

/// Makes samples; allocates nothing while it does.
pub struct Mix {
    desk: Desk,
    graph: BlockRateAdapter,
    /// Left and right at volume 0 so far, up to [`FADED_SECS`].
    silent: usize,
    most_silent: usize,
}

impl Mix {
    pub fn new(desk: &Desk, rate_hz: f64) -> Self {
        let mut graph = graph(desk, rate_hz as f32);
        graph.set_sample_rate(rate_hz);
        graph.allocate();
        let most_silent = (FADED_SECS * rate_hz) as usize;
        Self { desk: desk.clone(), graph: BlockRateAdapter::new(graph), silent: most_silent, most_silent }
    }

    /// Fills `samples`, `(times, channels)`: left and right to the first two channels, both to a single one.
    pub fn fill<T: Sample + FromSample<f32>>(&mut self, samples: &mut [T], channels: usize) {
        self.silent = if self.desk.is_silent() { self.silent } else { 0 };
        for at_once in samples.chunks_mut(channels) {
            let (left, right) = self.next();
            let both = [left, right];
            for (channel, sample) in at_once.iter_mut().enumerate() {
                let heard = if channels == 1 { f32::midpoint(left, right) } else { both.get(channel).copied().unwrap_or_default() };
                *sample = T::from_sample(heard);
            }
        }
    }

    fn next(&mut self) -> (f32, f32) {
        if self.silent >= self.most_silent {
            return (0.0, 0.0);
        }
        self.silent += usize::from(self.desk.is_silent());
        self.graph.get_stereo()
    }
}

/// All that is heard at a sample rate: no inputs, left and right.
fn graph(desk: &Desk, rate_hz: f32) -> Box<dyn AudioUnit> {
    // Filters know no tone that is higher than half of the rate.
    let highest_hz = 0.45 * rate_hz;
    let level = |voice: Voice| var(&desk.voices[voice as usize]) >> follow(CHANGE_SECS) >> split::<U2>();
    let blow = |blow: Blow, decay: f64| struck(&desk.blows[blow as usize], decay);
    let water_at = || var(&desk.waves_at) >> follow(CHANGE_SECS);
    let going_on = level(Voice::Wind) * (wind(1) | wind(2))
        + level(Voice::Rain) * (rain(rate_hz) | rain(rate_hz))
        + level(Voice::Waves) * ((waves(1) * (1.0 - water_at())) | (waves(2) * (1.0 + water_at())))
        + level(Voice::Fire) * (fire(rate_hz) | fire(rate_hz))
        + level(Voice::Birds) * ((birds(1) >> pan(-0.6)) + (birds(2) >> pan(0.5)) + (birds(3) >> pan(0.1)))
        + level(Voice::Crickets) * (crickets(4300.0, 1) | crickets(4650.0, 2))
        + level(Voice::Crackle) * (crackle(rate_hz) | crackle(rate_hz));
    let blows = blow(Blow::Soft, 30.0) * (pink() >> lowpass_hz(700.0, 0.7)) * 1.6
        + blow(Blow::Snow, 22.0) * (white() >> bandpass_hz(2600.0, 1.2)) * 0.5
        + blow(Blow::Wet, 18.0) * ((pink() >> lowpass_hz(500.0, 0.7)) * 1.2 + (white() >> bandpass_hz(1500.0, 2.0)) * 0.4)
        + blow(Blow::Hard, 55.0) * (pink() >> bandpass_hz(1100.0, 1.0)) * 2.4
        + blow(Blow::Bump, 18.0) * (sine_hz(70.0) * 0.5 + (pink() >> lowpass_hz(420.0, 0.7)) * 1.2)
        + blow(Blow::Shutter, 70.0) * (white() >> bandpass_hz(3000.0, 1.0)) * 0.6;
    let all = going_on * 3.0 + (blows >> split::<U2>());
    let edge = |at: usize| var_fn(&desk.band_hz[at], move |hz| hz.min(highest_hz)) >> follow(CHANGE_SECS);
    let ear = || (pass() | edge(0)) >> highpass_q(0.7) >> (pass() | edge(1)) >> lowpass_q(0.7);
    let begins = lfo(|t: f64| (t / BEGINS_SECS).min(1.0));
    let volume = ((var(&desk.volume) >> follow(TURN_SECS)) * begins) >> split::<U2>();
    Box::new(((all >> (ear() | ear())) * volume) >> (shape(Tanh(1.0)) | shape(Tanh(1.0))))
}

/// 1 where it was just struck, and less by the second, `e` times as often as `decay` says.
fn struck(blows: &Shared, decay: f64) -> An<impl AudioNode<Inputs = U0, Outputs = U1> + use<>> {
    // What was struck before is past.
    let (mut before, mut at) = (f64::from(blows.value()), f64::NEG_INFINITY);
    var(blows)
        >> lfo2(move |t: f64, count: f64| {
            if count != before {
                (before, at) = (count, t);
            }
            exp(-(t - at) * decay)
        })
}

/// What comes and goes around 1 by `much`, `hz` times a second.
fn swell(seed: i64, hz: f64, much: f64, t: f64) -> f64 {
    1.0 + much * spline_noise(seed as u64, t * hz)
}

fn wind(seed: i64) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    let gusts = (pink() | lfo(move |t: f64| 420.0 * swell(seed, 0.23, 0.7, t))) >> lowpass_q(1.6);
    gusts * lfo(move |t: f64| 0.35 * swell(seed + 10, 0.17, 0.6, t))
}

fn rain(rate_hz: f32) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    let drops = sparse(66.0, rate_hz) >> bandpass_hz(2600.0, 2.0);
    (white() >> highpass_hz(900.0, 0.6) >> lowpass_hz(7000.0_f32.min(0.45 * rate_hz), 0.6)) * 0.13 + drops * 0.7
}

/// So many impulses a second, now and then.
fn sparse(hz: f32, rate_hz: f32) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    // Of noise from -1 to 1.
    let above = 1.0 - 2.0 * hz / rate_hz;
    white() >> map(move |x: &Frame<f32, U1>| if x[0] > above { (x[0] - above) / (1.0 - above) } else { 0.0 })
}

fn waves(seed: i64) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    // They come in slowly, one a little after the other at either ear.
    let surf = move |t: f64| {
        let phase = (t + 0.35 * seed as f64) / 6.5 + 0.2 * spline_noise(31, t * 0.1);
        let phase = phase - phase.floor();
        if phase < 0.35 { (phase / 0.35).powi(2) } else { exp(-(phase - 0.35) * 5.0) }
    };
    ((white() | lfo(move |t: f64| 350.0 + 1600.0 * surf(t))) >> lowpass_q(0.6)) * lfo(move |t: f64| 0.12 + 0.6 * surf(t))
}

fn fire(rate_hz: f32) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    let crackles = sparse(5.5, rate_hz) >> bandpass_hz(1900.0, 1.4);
    (brown() >> lowpass_hz(400.0, 0.7)) * 0.35 + crackles * 1.5
}

fn crackle(rate_hz: f32) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    (sparse(3.3, rate_hz) >> lowpass_hz(4500.0_f32.min(0.45 * rate_hz), 0.7)) * 1.5 + (pink() >> highpass_hz(1500.0, 0.7)) * 0.02
}

/// A number from 0 to 1 that is always the same for `slot` of `seed`.
fn drawn(seed: i64, slot: f64) -> f64 {
    rnd1((seed as u64).wrapping_mul(0x9E37_79B9).wrapping_add(slot as u64))
}

/// A bird that says something now and then: a few sweeps.
fn birds(seed: i64) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    let slot_secs = 1.9 + 0.37 * seed as f64;
    // Time in the note, from 0 to 1, and the pitch it starts at.
    let note = move |t: f64| {
        let slot = (t / slot_secs).floor();
        let (into, kind) = (t - slot * slot_secs, drawn(seed, slot));
        let secs = 0.07 + 0.08 * drawn(seed + 50, slot);
        let many = 2.0 + (5.0 * drawn(seed + 90, slot)).floor();
        let at = into / secs;
        (kind < 0.45 && at < many).then(|| (at.fract(), 2300.0 + 1800.0 * drawn(seed + 130, slot), drawn(seed + 170, slot) - 0.4))
    };
    let pitch = lfo(move |t: f64| note(t).map_or(3000.0, |(at, hz, rise)| hz * (1.0 + 0.5 * rise * at)));
    let loud = lfo(move |t: f64| note(t).map_or(0.0, |(at, ..)| 0.07 * (1.0 - cos(at * TAU))));
    (pitch >> sine()) * loud
}

fn crickets(hz: f64, seed: i64) -> An<impl AudioNode<Inputs = U0, Outputs = U1>> {
    let loud = move |t: f64| {
        let chirp = (t * 1.9 + 0.31 * seed as f64).fract();
        let trill = 0.5 - 0.5 * cos(t * 34.0 * TAU);
        let gate = if chirp < 0.45 { sin(chirp / 0.45 * PI) } else { 0.0 };
        0.06 * gate * trill * swell(seed + 3, 0.3, 0.5, t)
    };
    sine_hz(hz as f32) * lfo(loud)
}

#[cfg(test)]
mod tests {
    use super::super::scape::Scape;
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    /// Left and right in turns, after so many seconds of `desk`.
    fn heard(mix: &mut Mix, secs: f64) -> Vec<f32> {
        let mut samples = vec![0.0; (secs * RATE_HZ) as usize * 2];
        mix.fill(&mut samples, 2);
        samples
    }

    fn loudness(samples: &[f32]) -> f32 {
        (samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32).sqrt()
    }

    /// A scape of this voice alone.
    fn alone(voice: Voice) -> Scape {
        let levels = Voice::ALL.map(|other| f32::from(u8::from(other == voice)));
        Scape { levels, band_hz: Scape::ALL_HZ, waves_at: 0.0, ground: Blow::Soft }
    }

    fn at_full_volume(scape: &Scape) -> (Desk, Mix) {
        let desk = Desk::new();
        desk.surround(scape);
        desk.turn_to(1.0);
        let mix = Mix::new(&desk, RATE_HZ);
        (desk, mix)
    }

    /// How often the sign changes, a second: the more the brighter it sounds.
    fn brightness(samples: &[f32]) -> f64 {
        let left: Vec<f32> = samples.iter().step_by(2).copied().collect();
        left.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count() as f64 * RATE_HZ / left.len() as f64
    }

    #[test]
    fn every_voice_is_heard_and_none_where_none_is_asked_for() {
        for voice in Voice::ALL {
            let (desk, mut mix) = at_full_volume(&alone(voice));
            let samples = heard(&mut mix, 8.0);
            assert!(samples.iter().all(|x| x.abs() <= 1.0), "{voice:?}");
            assert!((0.001..0.2).contains(&loudness(&samples)), "{voice:?}: {}", loudness(&samples));
            desk.surround(&Scape { levels: [0.0; Voice::ALL.len()], ..alone(voice) });
            heard(&mut mix, 10.0);
            assert!(loudness(&heard(&mut mix, 2.0)) < 1e-4, "{voice:?} stays");
        }
    }

    #[test]
    fn a_blow_is_heard_once() {
        for blow in Blow::ALL {
            let (desk, mut mix) = at_full_volume(&Scape { levels: [0.0; Voice::ALL.len()], ..alone(Voice::Wind) });
            assert!(loudness(&heard(&mut mix, 0.5)) < 1e-4, "{blow:?} before it was struck");
            desk.strike(blow);
            let [at_first, then] = [0.1, 1.0].map(|secs| loudness(&heard(&mut mix, secs)));
            assert!(at_first > 0.02 && loudness(&heard(&mut mix, 0.2)) < 1e-3 && then < at_first, "{blow:?}: {at_first}, {then}");
        }
    }

    #[test]
    fn rain_is_brighter_than_fire_and_an_old_film_duller_than_rain() {
        let (_rain, mut mix) = at_full_volume(&alone(Voice::Rain));
        let rain = brightness(&heard(&mut mix, 4.0));
        let (_fire, mut mix) = at_full_volume(&alone(Voice::Fire));
        assert!(rain > 4.0 * brightness(&heard(&mut mix, 4.0)));
        let (_film, mut mix) = at_full_volume(&Scape { band_hz: [320.0, 2800.0], ..alone(Voice::Rain) });
        heard(&mut mix, 4.0);
        assert!(rain > 1.5 * brightness(&heard(&mut mix, 2.0)));
    }

    #[test]
    fn at_volume_0_nothing_is_made_and_it_goes_on_where_it_is_turned_up() {
        let (desk, mut mix) = at_full_volume(&alone(Voice::Rain));
        assert!(loudness(&heard(&mut mix, 3.0)) > 0.01);
        desk.turn_to(0.0);
        heard(&mut mix, 2.0);
        assert!(mix.silent == mix.most_silent && heard(&mut mix, 1.0).iter().all(|x| *x == 0.0));
        desk.turn_to(0.5);
        heard(&mut mix, 1.0);
        let half = loudness(&heard(&mut mix, 2.0));
        desk.turn_to(1.0);
        heard(&mut mix, 1.0);
        assert!(half > 0.005 && loudness(&heard(&mut mix, 2.0)) > 1.6 * half);
    }

    #[test]
    fn a_device_that_opens_later_plays_what_is_now_and_begins_softly() {
        let (desk, mut mix) = at_full_volume(&Scape { levels: [0.0; Voice::ALL.len()], ..alone(Voice::Rain) });
        heard(&mut mix, 1.0);
        Blow::ALL.into_iter().for_each(|blow| desk.strike(blow));
        assert!(loudness(&heard(&mut mix, 0.1)) > 0.02, "the control: they are heard");
        let mut later = Mix::new(&desk, RATE_HZ);
        assert!(loudness(&heard(&mut later, 1.0)) < 1e-4, "what was struck before is past");
        desk.surround(&alone(Voice::Rain));
        let mut later = Mix::new(&desk, RATE_HZ);
        let [at_first, then] = [0.05, 2.0].map(|secs| loudness(&heard(&mut later, secs)));
        assert!(at_first < 0.2 * then, "{at_first}, {then}");
    }

    #[test]
    fn any_device_plays_it_at_its_own_rate() {
        for rate_hz in [8_000.0, 16_000.0, 24_000.0, 192_000.0] {
            let (desk, _) = at_full_volume(&Scape { levels: [0.5; Voice::ALL.len()], ..alone(Voice::Wind) });
            let mut mix = Mix::new(&desk, rate_hz);
            Blow::ALL.into_iter().for_each(|blow| desk.strike(blow));
            let samples = heard(&mut mix, 2.0);
            assert!(samples.iter().all(|x| x.abs() < 1.0) && loudness(&samples) > 0.02, "{rate_hz} Hz: {}", loudness(&samples));
        }
    }

    #[test]
    fn the_sea_is_on_one_side() {
        let (_desk, mut mix) = at_full_volume(&Scape { waves_at: -0.8, ..alone(Voice::Waves) });
        let samples = heard(&mut mix, 12.0);
        let [left, right] = [0, 1].map(|side| loudness(&samples.iter().skip(side).step_by(2).copied().collect::<Vec<_>>()));
        assert!(left > 3.0 * right, "{left}, {right}");
    }

    #[test]
    fn any_number_of_channels_is_filled() {
        let (_desk, mut mix) = at_full_volume(&alone(Voice::Rain));
        heard(&mut mix, 2.0);
        let mut six = vec![1.0_f32; 6 * 1000];
        mix.fill(&mut six, 6);
        assert!(six.chunks(6).all(|at_once| at_once[2..].iter().all(|x| *x == 0.0)));
        assert!(six.chunks(6).any(|at_once| at_once[0] != 0.0 && at_once[0] != at_once[1]));
        let mut one = vec![0_i16; 1000];
        mix.fill(&mut one, 1);
        assert!(one.iter().any(|x| *x != 0));
    }
}
