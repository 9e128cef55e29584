//! The command line that begins a world out of the words in force, dreamed and shown as it is here.

use super::open::EngineChoice;
use super::panel::UiState;
use super::prompt_field::PromptState;
use crate::dream::runner::Rate;
use crate::engine::{DecodeSettings, UnmaskOrder};
use crate::prompt;
use crate::worlds::words::{under, wish_of};

/// Who reads the line.
#[derive(Clone, Copy, Debug)]
enum Shell {
    Posix,
    /// That of Windows, which knows no single quotes.
    Cmd,
}

/// The one that most have here.
const HERE: Shell = if cfg!(windows) { Shell::Cmd } else { Shell::Posix };

/// The line as it is typed into a shell, where the pack has the settings `own` and hears at most `most_words` words of a prompt.
pub fn as_command(state: &UiState, own: &DecodeSettings, most_words: usize) -> String {
    line(&arguments(state, own, most_words), HERE)
}

fn line(arguments: &[Vec<String>], shell: Shell) -> String {
    let arguments = arguments.iter().flatten().map(|argument| quoted(argument, shell));
    std::iter::once("somnium".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// What stands behind the program's name, each option with its value.
fn arguments(state: &UiState, own: &DecodeSettings, most_words: usize) -> Vec<Vec<String>> {
    let mut arguments: Vec<Vec<String>> = state.pack.iter().map(|path| vec![path.display().to_string()]).collect();
    let mut say = |option: &str, value: String| arguments.push(vec![option.to_owned(), value]);
    match state.engine {
        EngineChoice::Auto => {}
        EngineChoice::Gpu => say("--engine", "gpu".to_owned()),
        EngineChoice::Cpu => say("--engine", "cpu".to_owned()),
    }
    say("--seed", state.settings.seed.to_string());
    say("--prompt", words(state, most_words));
    decoding(&state.settings, own, &mut say);
    if state.prompt.blend_frames > 0 {
        say("--blend", state.prompt.blend_frames.to_string());
    }
    if state.prompt.day.running {
        say("--day", state.prompt.day.minutes.to_string());
    }
    match state.rate {
        Rate::Own => {}
        Rate::Hz(hz) => say("--rate", hz.to_string()),
        Rate::Max => say("--rate", "max".to_owned()),
    }
    if !state.glide {
        arguments.push(vec!["--no-glide".to_owned()]);
    }
    if state.within {
        arguments.push(vec!["--first-person".to_owned()]);
    }
    arguments
}

/// The prompt with all that is told besides it, under the light of the hour where a day goes by and none is said. Commas keep words from
/// being read together that were not said together.
fn words(state: &UiState, most_words: usize) -> String {
    let PromptState { said, besides, day, .. } = &state.prompt;
    let heard = prompt::ids(&prompt::read(said, most_words));
    // Where nothing is said a day, if one goes by, says the light of the hour; what is told besides may have that of an earlier one.
    let hour = wish_of(&day.words(&[], most_words)).light.filter(|_| wish_of(&heard).light.is_none());
    let room = most_words.saturating_sub(heard.len());
    let besides = hour.map_or_else(|| besides.clone(), |light| under(besides, light, room));
    // At the beginning a hyphen, which says nothing, would make an option of it.
    let said = said.trim().trim_start_matches('-').to_owned();
    let with_besides = |said: String| {
        let besides = besides.iter().map(|word| prompt::text_of(&[*word]));
        std::iter::once(said).chain(besides).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    };
    let whole = with_besides(said);
    // English words behind a prompt in another language would be read in that one.
    let is_heard = prompt::ids(&prompt::read(&whole, most_words)) == [heard.as_slice(), &besides].concat();
    if is_heard { whole } else { with_besides(prompt::text_of(&heard)) }
}

/// Says what is not as the pack has it.
fn decoding(now: &DecodeSettings, own: &DecodeSettings, say: &mut impl FnMut(&str, String)) {
    if now.steps != own.steps {
        say("--steps", now.steps.to_string());
    }
    if now.temperature != own.temperature {
        say("--temperature", now.temperature.to_string());
    }
    if now.min_p != own.min_p {
        say("--min-p", now.min_p.to_string());
    }
    if now.new_land != own.new_land {
        let chance = now.new_land.map(|chance| format!("{},{}", chance.temperature, chance.min_p));
        say("--new-land", chance.unwrap_or_else(|| "same".to_owned()));
    }
    if now.window != own.window {
        say("--memory", now.window.to_string());
    }
    if now.context_level != own.context_level {
        say("--context-level", now.context_level.to_string());
    }
    if now.order != own.order {
        let order = match now.order {
            UnmaskOrder::Random => "random",
            UnmaskOrder::Confidence => "confidence",
        };
        say("--order", order.to_owned());
    }
    if now.certain != own.certain {
        say("--certain", now.certain.unwrap_or(0.0).to_string());
    }
    if now.guidance != own.guidance {
        say("--guidance", now.guidance.to_string());
    }
}

/// A text that a shell takes as one word, and as it is; on Windows without what no quotes keep as it is.
fn quoted(text: &str, shell: Shell) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    match shell {
        Shell::Posix => format!("'{}'", text.replace('\'', r"'\''")),
        // Nor in PowerShell. At the end a backslash would make a letter of the quote.
        Shell::Cmd => format!("\"{}\"", text.replace(['"', '%', '$', '`', '\u{201C}', '\u{201D}', '\u{201E}'], "").trim_end_matches('\\')),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use clap::Parser as _;

    use super::*;
    use crate::app::cli::{self, Cli};
    use crate::app::day::Day;
    use crate::engine::Chance;
    use crate::engine::inputs::play_settings;
    use crate::pack::manifest::Manifest;
    use crate::pack::random::odd_manifest;

    const MOST: usize = 8;

    /// All that a command line begins with.
    #[derive(Debug, PartialEq)]
    struct Begun {
        settings: DecodeSettings,
        told: Vec<u16>,
        blend_frames: u32,
        day_minutes: Option<u32>,
        pack: Option<PathBuf>,
        engine: EngineChoice,
        rate: Rate,
        glide: bool,
        within: bool,
    }

    fn by_command(arguments: &[Vec<String>], manifest: &Manifest) -> Begun {
        let line = std::iter::once("somnium").chain(arguments.iter().flatten().map(String::as_str));
        let cli = Cli::try_parse_from(line).unwrap_or_else(|why| panic!("{why}"));
        let (dreamer, show) = (cli.play.dreamer, cli.play.show);
        let own = DecodeSettings { seed: show.seed.unwrap_or(1), ..play_settings(manifest) };
        let words = show.say.words("odd", MOST).unwrap();
        let day = show.say.day(&words, "odd", MOST).unwrap();
        Begun {
            settings: cli::settings(manifest, &dreamer.decode, own).unwrap(),
            told: day.words(&words, MOST),
            blend_frames: show.say.blend,
            day_minutes: day.running.then_some(day.minutes),
            pack: dreamer.pack,
            engine: dreamer.engine,
            rate: show.rate.unwrap_or_default(),
            glide: !show.no_glide,
            within: show.first_person,
        }
    }

    fn rows(text: &str) -> Vec<u16> {
        prompt::ids(&prompt::read(text, MOST))
    }

    fn in_window(state: &UiState) -> Begun {
        let prompt = &state.prompt;
        Begun {
            settings: state.settings,
            told: prompt.day.words(&[rows(&prompt.said), prompt.besides.clone()].concat(), MOST),
            blend_frames: prompt.blend_frames,
            day_minutes: prompt.day.running.then_some(prompt.day.minutes),
            pack: state.pack.clone(),
            engine: state.engine,
            rate: state.rate,
            glide: state.glide,
            within: state.within,
        }
    }

    fn plain(settings: DecodeSettings) -> UiState {
        let mut state = UiState::new(settings, Rate::Own, Arc::default());
        state.prompt.said = "a snowy forest".to_owned();
        state
    }

    /// Where everything is otherwise than a pack has it, at dusk of a day.
    fn everything() -> UiState {
        let settings = DecodeSettings {
            steps: 5,
            temperature: 0.123,
            seed: 7,
            order: UnmaskOrder::Confidence,
            window: 3,
            context_level: 2,
            guidance: 1.5,
            certain: Some(0.93),
            min_p: 0.07,
            new_land: Some(Chance { temperature: 0.9, min_p: 0.03 }),
        };
        let mut state = plain(settings);
        state.prompt.besides = rows("rain");
        state.prompt.blend_frames = 12;
        state.prompt.day = Day::of(Some(16));
        assert!(state.prompt.day.turned(Duration::ZERO) && state.prompt.day.turned(Duration::from_secs(360)));
        (state.pack, state.engine) = (Some("my worlds/odd.safetensors".into()), EngineChoice::Cpu);
        (state.rate, state.glide, state.within) = (Rate::Hz(20.0), false, true);
        state
    }

    #[test]
    fn the_command_begins_what_is_in_force() {
        let (manifest, state) = (odd_manifest(), everything());
        let all = arguments(&state, &play_settings(&manifest), MOST);
        assert_eq!(by_command(&all, &manifest), in_window(&state));
        // The control: whatever of it is left out is missed.
        for left_out in 0..all.len() {
            let mut fewer = all.clone();
            let argument = fewer.remove(left_out);
            assert_ne!(by_command(&fewer, &manifest), in_window(&state), "without {argument:?}");
        }
    }

    #[test]
    fn what_the_pack_has_is_left_out_and_what_it_alone_has_is_turned_off() {
        let mut manifest = odd_manifest();
        let state = plain(DecodeSettings { seed: 3, ..play_settings(&manifest) });
        let few = arguments(&state, &play_settings(&manifest), MOST);
        assert_eq!(line(&few, Shell::Posix), "somnium --seed 3 --prompt 'a snowy forest'");
        let chance = Chance { temperature: 1.0, min_p: 0.01 };
        (manifest.play.certain, manifest.play.new_land) = (Some(0.9), Some(chance));
        let all = arguments(&state, &play_settings(&manifest), MOST);
        assert_eq!(all[2..], [["--new-land", "same"], ["--certain", "0"]]);
        assert_eq!(by_command(&all, &manifest), in_window(&state));
        assert_ne!(by_command(&all[..2], &manifest), in_window(&state));
    }

    #[test]
    fn a_light_that_is_said_is_where_the_day_begins() {
        let mut state = everything();
        assert_eq!(words(&state, MOST), "a snowy forest, rain, dusk");
        state.prompt.besides = rows("rain night");
        assert_eq!(words(&state, MOST), "a snowy forest, rain, dusk", "that was an earlier hour");
        state.prompt.besides = rows("rain");
        state.prompt.said = "forest at night".to_owned();
        assert_eq!(words(&state, MOST), "forest at night, rain");
        // Without a day the hour is not asked.
        (state.prompt.said, state.prompt.day) = ("forest".to_owned(), Day::of(None));
        assert_eq!(words(&state, MOST), "forest, rain");
    }

    #[test]
    fn what_is_told_besides_is_heard_beside_another_language() {
        let mut state = everything();
        state.prompt.day = Day::of(None);
        for (said, besides, command) in [
            ("ciemny las", "lake", "night forest, lake"),
            ("ein Wald", "rain", "ein Wald, rain"),
            ("a forest", "full colour", "a forest, full, colour"),
        ] {
            (state.prompt.said, state.prompt.besides) = (said.to_owned(), rows(besides));
            assert_eq!(words(&state, MOST), command);
            assert_eq!(rows(command), [rows(said), rows(besides)].concat());
        }
    }

    #[test]
    fn the_shell_of_windows_reads_what_is_meant() {
        let (manifest, mut state) = (odd_manifest(), plain(DecodeSettings { seed: 3, ..play_settings(&odd_manifest()) }));
        // As it hands a line to a program, and that reads it: between quotes a space is a letter.
        let read = |line: &str| {
            let halves = line.split('"').enumerate();
            let joined: String = halves.map(|(i, half)| if i % 2 == 0 { half.replace(' ', "\n") } else { half.to_owned() }).collect();
            joined.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        for (said, heard) in [
            ("it's a forest & snow | rain > fog ^ !", "it's a forest & snow | rain > fog ^ !"),
            ("a \"forest\" of %PATH% \\", "a forest of PATH "),
        ] {
            said.clone_into(&mut state.prompt.said);
            let arguments = arguments(&state, &play_settings(&manifest), MOST);
            assert_eq!(read(&line(&arguments, Shell::Cmd)), ["somnium", "--seed", "3", "--prompt", heard]);
            // The control: single quotes are letters to it.
            assert_ne!(read(&line(&arguments, Shell::Posix)), ["somnium", "--seed", "3", "--prompt", heard]);
        }
        assert_eq!(quoted(r"C:\my worlds\", Shell::Cmd), r#""C:\my worlds""#);
        assert_eq!(["--min-p", "0.5", ""].map(|text| quoted(text, Shell::Cmd)), ["--min-p", "0.5", "\"\""]);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_what_is_meant() {
        let (manifest, mut state) = (odd_manifest(), everything());
        let own = play_settings(&manifest);
        let read = |line: &str| {
            let script = format!("printf '%s\\n' {line}");
            let printed = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            String::from_utf8(printed.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        };
        for said in ["--snow, night", "it's a \"forest\" of $HOME `pwd` !! \\ %PATH% *", "for\u{EA}t; true & false"] {
            said.clone_into(&mut state.prompt.said);
            let arguments = arguments(&state, &own, MOST).concat();
            assert_eq!(read(&as_command(&state, &own, MOST))[1..], arguments);
            // The control: bare words are read as several, or as none.
            assert_ne!(read(&arguments.join(" ").replace('`', "")), arguments);
            assert!(Cli::try_parse_from([vec!["somnium".to_owned()], arguments].concat()).is_ok());
        }
    }
}
