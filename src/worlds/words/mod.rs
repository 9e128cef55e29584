//! Words for scenes and wishes: every phrase a caption may hold, and the small grammar that makes captions of them.
//!
//! `lexicon.txt` lists the phrases. A share of them is held out: no caption of a clip has them, so that evaluation can ask for what the
//! network was never told in those words.

mod dial;
mod heard;
mod lexicon;
mod tongues;
mod wished;

use super::random::Rng;
use super::scene::{Attribute, Biome, Feature, Light, Scene, Season, Style, Weather, Wish};
use crate::prompt::{self, WordTable, closeness};
pub use dial::{Dial, going_on, says_a_part};
pub use heard::{heard, listed, longest_listed, said_alone};
use lexicon::{Form, Phrase, lexicon};
pub use tongues::{LANGUAGES, Tongue, plain};
pub use wished::{denies, saying, surest, under, wish_of};

/// A word that is less close to every word of captions says nothing: "tulip" is 0.81 from "flowers" and "castle" 0.45 from "village", while
/// "president" and "money" stay below 0.3.
const NEAR: f32 = 0.5;
/// Lands that have no word of their own in a sentence.
const PLACES: &[&str] = &["a land", "a place", "a world"];
/// What joins features to a sentence, and parts to each other.
const JOINTS: &[&str] = &["with", "and"];

/// The words of captions, sorted; with `held_out`, only those that no caption of a clip holds.
pub fn vocabulary(held_out: bool) -> Vec<&'static str> {
    let mut seen = Vec::new();
    let mut unseen = Vec::new();
    for phrase in lexicon().all() {
        if phrase.held_out { &mut unseen } else { &mut seen }.extend(phrase.text.split(' '));
    }
    seen.extend(PLACES.iter().chain(JOINTS).flat_map(|text| text.split(' ')).chain(["a", "an"]));
    unseen.retain(|word| !seen.contains(word));
    let mut words = if held_out { unseen } else { seen };
    words.sort_unstable();
    words.dedup();
    words
}

/// What stands beside the word nearest to `word` among these, if any is near.
fn nearest<T>(word: u16, among: impl Iterator<Item = (u16, T)>) -> Option<T> {
    let table = WordTable::get();
    let vector = table.vector(word);
    let near = |other| closeness(&vector, &table.vector(other)) + table.nearer(word, other);
    let close = among.map(|(other, what)| (near(other), what));
    close.filter(|(near, _)| *near >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, what)| what)
}

/// Rows of the word table that a text comes to, word by word.
fn rows(text: &str) -> Vec<u16> {
    prompt::ids(&prompt::read_unlisted(text, usize::MAX))
}

/// The same as a player types it.
#[cfg(test)]
fn typed(text: &str) -> Vec<u16> {
    prompt::ids(&prompt::read(text, usize::MAX))
}

/// The caption of a frame of `scene` while `wish` is in force: all that is wished for and some of what else is true everywhere, worded by
/// `seed`. Of the land nothing is said but what is wished: by itself another may come into view, and words that name what happens to be seen
/// would teach that land goes on whatever is said. The same seed words the next frame alike, so that a caption changes only where light,
/// weather, season or style do.
pub fn caption(scene: &Scene, wish: &Wish, seed: u64) -> String {
    let mut rng = Rng::for_purpose(seed, 3);
    // Where nothing is wished the scene is all there is to say.
    let percent = if wish.is_empty() { 60 } else { 25 };
    // Drawn before it is looked at, so that all frames draw alike.
    let mut seen = |hidden: bool| rng.percent(percent) && !hidden;
    let mut said = Wish {
        light: wish.light.or(Some(scene.light).filter(|_| seen(false))),
        weather: wish.weather.or(Some(scene.weather).filter(|_| seen(false))),
        season: wish.season.or(Some(scene.season).filter(|_| seen(scene.style != Style::Plain))),
        style: wish.style.or(Some(scene.style).filter(|_| seen(false))),
        ..wish.clone()
    };
    if said.is_empty() {
        (said.light, said.weather) = (Some(scene.light), Some(scene.weather));
    }
    say(&said, rng.next(), false)
}

/// Says what is seen in `scene`, for somebody who is to draw it from the words alone: nearly all that is out of the ordinary, and ordinary
/// things now and then, so that what is not said is as it is by day and in clear weather.
pub fn description(scene: &Scene, seed: u64) -> String {
    let mut rng = Rng::for_purpose(seed, 6);
    let mut seen = |ordinary: bool| rng.percent(if ordinary { 20 } else { 95 });
    let mut said = Wish {
        biome: scene.biomes.first().copied().filter(|_| seen(false)),
        light: Some(scene.light).filter(|light| seen(*light == Light::Day)),
        weather: Some(scene.weather).filter(|weather| seen(*weather == Weather::Clear)),
        season: Some(scene.season).filter(|season| scene.shows_season() && seen(*season == Season::Summer)),
        style: Some(scene.style).filter(|style| seen(*style == Style::Plain)),
        features: Vec::new(),
    };
    // Houses are out of the ordinary wherever they stand.
    let village = scene.features.contains(&Feature::Village) && seen(false);
    said.features.extend(village.then_some(Feature::Village));
    if said.is_empty() || rng.percent(40) {
        let most = rng.range(1, 2);
        let others = scene.features.iter().filter(|feature| **feature != Feature::Village);
        said.features.extend(others.copied().take(most.saturating_sub(said.features.len())));
    }
    if said.is_empty() {
        said.biome = scene.biomes.first().copied();
    }
    say(&said, rng.next(), false)
}

/// One of many ways to word a wish; all it asks for is said. With `unseen`, at least one word comes from the phrases held out.
pub fn say(wish: &Wish, seed: u64, unseen: bool) -> String {
    let mut rng = Rng::for_purpose(seed, 4);
    if rng.percent(40) { list(wish, &mut rng, unseen) } else { sentence(wish, &mut rng, unseen) }
}

/// Draws one phrase for each part of a wish.
struct Draw<'a> {
    rng: &'a mut Rng,
    /// Phrases held out are taken wherever there are any.
    unseen: bool,
}

impl Draw<'_> {
    /// A phrase of one of `forms`, if there is any.
    fn phrase(&mut self, said: impl Attribute, forms: &[Form]) -> Option<Phrase> {
        let fits: Vec<Phrase> =
            lexicon().phrases(said).iter().copied().filter(|p| forms.contains(&p.form) && (!p.held_out || self.unseen)).collect();
        let held_out: Vec<Phrase> = fits.iter().copied().filter(|p| p.held_out).collect();
        match (fits.is_empty(), held_out.is_empty()) {
            (true, _) => None,
            (_, false) => Some(self.rng.pick(&held_out)),
            _ => Some(self.rng.pick(&fits)),
        }
    }
}

/// "midnight, woods, snow"
fn list(wish: &Wish, rng: &mut Rng, unseen: bool) -> String {
    let mut draw = Draw { rng, unseen };
    let mut parts: Vec<Option<Phrase>> = vec![
        wish.biome.and_then(|v| draw.phrase(v, Form::ALL)),
        wish.light.and_then(|v| draw.phrase(v, Form::ALL)),
        wish.weather.and_then(|v| draw.phrase(v, Form::ALL)),
        wish.season.and_then(|v| draw.phrase(v, Form::ALL)),
        wish.style.and_then(|v| draw.phrase(v, Form::ALL)),
    ];
    parts.extend(wish.features.iter().map(|&v| draw.phrase(v, Form::ALL)));
    let mut words: Vec<&str> = parts.into_iter().flatten().map(|phrase| bare(phrase.text)).collect();
    rng.shuffle(&mut words);
    words.join(if rng.percent(60) { ", " } else { " " })
}

/// "a snowy forest at night with ruins"
fn sentence(wish: &Wish, rng: &mut Rng, unseen: bool) -> String {
    let mut draw = Draw { rng, unseen };
    let around = &[Form::Adjective, Form::Clause];
    let mut adjectives = Vec::new();
    let mut clauses = Vec::new();
    let mut parts = vec![
        wish.style.and_then(|v| draw.phrase(v, around)),
        wish.weather.and_then(|v| draw.phrase(v, around)),
        wish.season.and_then(|v| draw.phrase(v, around)),
        wish.light.and_then(|v| draw.phrase(v, around)),
    ];
    draw.rng.shuffle(&mut parts);
    for phrase in parts.into_iter().flatten() {
        if phrase.form == Form::Adjective { &mut adjectives } else { &mut clauses }.push(phrase.text);
    }
    let place = match wish.biome.and_then(|v| draw.phrase(v, &[Form::Noun, Form::Adjective])) {
        Some(phrase) if phrase.form == Form::Noun => phrase.text,
        adjective => {
            adjectives.extend(adjective.map(|phrase| phrase.text));
            draw.rng.pick(PLACES)
        }
    };
    let features: Vec<&str> = wish.features.iter().filter_map(|&v| draw.phrase(v, &[Form::Noun])).map(|phrase| phrase.text).collect();
    if !features.is_empty() {
        clauses.push("with");
    }
    let with = features.join(" and ");
    let mut words = vec![head(place, &adjectives)];
    // One clause may lead.
    let leads = !clauses.is_empty() && clauses[0] != "with" && rng.percent(25);
    let lead = leads.then(|| clauses.remove(0));
    words.extend(clauses.into_iter().map(str::to_owned));
    if !with.is_empty() {
        words.push(with);
    }
    let rest = words.join(" ");
    lead.map_or(rest.clone(), |lead| format!("{lead}, {rest}"))
}

/// A phrase without its article.
fn bare(text: &str) -> &str {
    ["a ", "an ", "the "].into_iter().find_map(|article| text.strip_prefix(article)).unwrap_or(text)
}

/// A noun with adjectives between it and its article.
fn head(noun: &str, adjectives: &[&str]) -> String {
    let stem = bare(noun);
    let words = [adjectives, &[stem]].concat().join(" ");
    let article = match noun.split(' ').next() {
        Some("a" | "an") if words.starts_with(['a', 'e', 'i', 'o', 'u']) => "an ",
        Some("a" | "an") => "a ",
        Some("the") => "the ",
        _ => "",
    };
    format!("{article}{words}")
}

/// A prompt to judge a network by, and what following it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPrompt {
    pub text: String,
    pub wish: Wish,
    /// It holds words that no caption of a clip holds.
    pub unseen: bool,
}

/// The prompts of the evaluation: 40 in words of captions, then 20 with words held out. Each asks for two at least of land, light,
/// weather, season and style, and over all of them every value of these is asked for about as often as the others.
pub fn test_prompts() -> Vec<TestPrompt> {
    let mut prompts: Vec<TestPrompt> = Vec::new();
    let mut asked = [0; 5];
    for seed in (0..).map(|i: u64| i + (1 << 50)) {
        let mut wish = Wish::drawn(seed);
        if wish.len() - wish.features.len() < 2 {
            continue;
        }
        in_turn(&mut wish.biome, Biome::ALL, &mut asked[0]);
        in_turn(&mut wish.light, Light::ALL, &mut asked[1]);
        in_turn(&mut wish.weather, Weather::ALL, &mut asked[2]);
        in_turn(&mut wish.season, Season::ALL, &mut asked[3]);
        // A season shows in the plain style alone.
        if wish.season.is_none() {
            in_turn(&mut wish.style, Style::ALL, &mut asked[4]);
        }
        let unseen = prompts.len() >= 40;
        prompts.push(TestPrompt { text: say(&wish, seed, unseen), wish, unseen });
        if prompts.len() == 60 {
            break;
        }
    }
    prompts
}

/// Gives what is asked for the next of all values.
fn in_turn<T: Copy>(value: &mut Option<T>, all: &[T], asked: &mut usize) {
    if let Some(value) = value {
        *value = all[*asked % all.len()];
        *asked += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::worlds::scene::Feature;

    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split([' ', ',']).filter(|word| !word.is_empty())
    }

    fn forest() -> Scene {
        Scene {
            biomes: vec![Biome::Forest, Biome::Snow],
            light: Light::Night,
            weather: Weather::Rain,
            season: Season::Autumn,
            style: Style::Plain,
            features: vec![Feature::Trees, Feature::Ruins, Feature::Lake],
        }
    }

    #[test]
    fn no_caption_of_a_clip_has_a_word_that_is_held_out() {
        let (seen, unseen) = (vocabulary(false), vocabulary(true));
        assert!(["midnight", "tundra", "icy"].iter().all(|word| unseen.contains(word)), "{unseen:?}");
        let mut said = HashSet::new();
        for seed in 0..20_000 {
            let text = say(&Wish::drawn(seed), seed, false);
            for word in words(&text) {
                assert!(seen.contains(&word), "{word:?} of {text:?} is not in the vocabulary");
                assert!(!unseen.contains(&word), "{word:?} of {text:?} is held out");
                said.insert(word.to_owned());
            }
            // The control: the same wish in words held out has one at least.
            let text = say(&Wish::drawn(seed), seed, true);
            assert!(words(&text).any(|word| unseen.contains(&word)), "{text:?} has no word that is held out");
        }
        let never: Vec<_> = seen.iter().filter(|word| !said.contains(**word)).collect();
        assert!(never.is_empty(), "{never:?} are never said");
    }

    /// Whether `text` holds one of the phrases, as whole words.
    fn says(text: &str, said: impl Attribute) -> bool {
        let text = format!(" {} ", text.replace(',', ""));
        lexicon().phrases(said).iter().any(|phrase| text.contains(&format!(" {} ", bare(phrase.text))))
    }

    #[test]
    fn all_of_a_wish_is_said() {
        let mut texts = HashSet::new();
        for seed in 0..3000 {
            let wish = Wish::drawn(seed);
            for unseen in [false, true] {
                let text = say(&wish, seed, unseen);
                assert_eq!(text, say(&wish, seed, unseen));
                assert!(wish.biome.is_none_or(|v| says(&text, v)), "{wish:?} became {text:?}");
                assert!(wish.light.is_none_or(|v| says(&text, v)), "{wish:?} became {text:?}");
                assert!(wish.weather.is_none_or(|v| says(&text, v)), "{wish:?} became {text:?}");
                assert!(wish.season.is_none_or(|v| says(&text, v)), "{wish:?} became {text:?}");
                assert!(wish.style.is_none_or(|v| says(&text, v)), "{wish:?} became {text:?}");
                assert!(wish.features.iter().all(|&v| says(&text, v)), "{wish:?} became {text:?}");
                // A control: lights nobody asked for are not said.
                let other = |light: &&Light| wish.light.is_some_and(|asked| asked != **light);
                assert!(!Light::ALL.iter().filter(other).any(|&v| says(&text, v)), "{wish:?} became {text:?}");
                texts.insert(text);
            }
        }
        assert!(texts.len() > 5000, "only {} of 6000 wordings differ", texts.len());
    }

    #[test]
    fn descriptions_say_what_is_out_of_the_ordinary() {
        let ordinary = Scene { light: Light::Day, weather: Weather::Clear, style: Style::Plain, ..forest() };
        let odd = Scene { light: Light::Night, weather: Weather::Rain, style: Style::Noir, ..forest() };
        let said = |scene: &Scene, what: &dyn Fn(&str) -> bool| (0..500).filter(|&seed| what(&description(scene, seed))).count();
        for scene in [&ordinary, &odd] {
            assert!(said(scene, &|text| says(text, Biome::Forest)) > 450);
        }
        let parts: [&dyn Fn(&str) -> bool; 3] =
            [&|text| says(text, Light::Night), &|text| says(text, Weather::Rain), &|text| says(text, Style::Noir)];
        assert!(parts.iter().all(|part| said(&odd, part) > 450 && said(&ordinary, part) == 0));
        let usual = said(&ordinary, &|text| says(text, Light::Day));
        assert!((50..200).contains(&usual), "an ordinary light is said in {usual} of 500");
        let village = Scene { features: vec![Feature::Flowers, Feature::Village], ..ordinary.clone() };
        let [built, grown] = [Feature::Village, Feature::Flowers].map(|feature| said(&village, &|text| says(text, feature)));
        assert!(built > 450 && (50..300).contains(&grown), "houses are said in {built} of 500, flowers in {grown}");
        assert_eq!(said(&ordinary, &|text| says(text, Feature::Village)), 0);
    }

    #[test]
    fn captions_vary_in_wording_order_and_length_and_keep_to_the_scene() {
        let scene = forest();
        let texts: HashSet<String> = (0..500).map(|seed| caption(&scene, &Wish::default(), seed)).collect();
        assert!(texts.len() > 300, "{}", texts.len());
        let lengths: HashSet<usize> = texts.iter().map(|text| words(text).count()).collect();
        assert!(lengths.contains(&1) && lengths.iter().any(|&n| n > 10), "{lengths:?}");
        // Where one walks on into another land, the same is said.
        let beach = Scene { biomes: vec![Biome::Beach], features: vec![Feature::Ruins], ..forest() };
        assert!((0..500).all(|seed| caption(&scene, &Wish::default(), seed) == caption(&beach, &Wish::default(), seed)));
        let wish = Wish { biome: Some(Biome::Beach), ..Wish::default() };
        assert!((0..500).all(|seed| says(&caption(&scene, &wish, seed), Biome::Beach)), "but for what is wished");
        // The season is not spoken of where a style hides it.
        let hidden = Scene { style: Style::Noir, ..forest() };
        let said = |scene: &Scene| (0..500).filter(|&seed| says(&caption(scene, &Wish::default(), seed), Season::Autumn)).count();
        assert_eq!(said(&hidden), 0);
        assert!(said(&scene) > 100);
        // A change of the scene changes what is said of it and nothing else.
        let mut dawn = forest();
        dawn.light = Light::Dawn;
        let alike = (0..500).filter(|&seed| {
            let (a, b) = (caption(&scene, &Wish::default(), seed), caption(&dawn, &Wish::default(), seed));
            says(&a, Light::Night) == says(&b, Light::Dawn) && words(&a).next() == words(&b).next()
        });
        assert!(alike.count() > 350);
    }

    #[test]
    fn what_is_wished_is_said_whatever_is_seen() {
        let wish = Wish { light: Some(Light::Dusk), style: Some(Style::Neon), ..Wish::default() };
        for seed in 0..300 {
            let text = caption(&forest(), &wish, seed);
            assert!(says(&text, Light::Dusk) && says(&text, Style::Neon), "{text:?}");
            assert!(!says(&text, Light::Night), "{text:?}");
        }
    }

    #[test]
    fn the_test_prompts_ask_for_everything() {
        let prompts = test_prompts();
        assert_eq!((prompts.len(), prompts.iter().filter(|p| p.unseen).count()), (60, 20));
        let unseen = vocabulary(true);
        for prompt in &prompts {
            assert_eq!(words(&prompt.text).any(|word| unseen.contains(&word)), prompt.unseen, "{:?}", prompt.text);
        }
        assert!(Biome::ALL.iter().all(|&v| prompts.iter().any(|p| p.wish.biome == Some(v))));
        assert!(Light::ALL.iter().all(|&v| prompts.iter().any(|p| p.wish.light == Some(v))));
        assert!(Weather::ALL.iter().all(|&v| prompts.iter().any(|p| p.wish.weather == Some(v))));
        assert!(Style::ALL.iter().all(|&v| prompts.iter().any(|p| p.wish.style == Some(v))));
    }
}
