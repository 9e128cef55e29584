//! The prompt on the command line.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::RangedI64ValueParser;

use super::day::{Day, MINUTES};
use super::marks::Marks;
use super::prompt_field::MOST_BLEND_FRAMES;
use super::prompt_history::one_line;
use super::prompt_queue::{EVERY_SECS, PromptQueue};
use crate::prompt::{self, Fate, LANGUAGES, Word, advice};

/// Letters of a prompt that a sentence about it quotes.
const QUOTED: usize = 40;

/// What the world should be like, now and later.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Prompt")]
pub struct PromptArgs {
    /// What the world should be like, in common words of English or of fourteen more languages (docs/PLAYING.md).
    #[arg(long, default_value = "")]
    pub prompt: String,
    /// Frames in which a new prompt takes over from the one before.
    #[arg(long, value_name = "FRAMES", default_value_t = 0, value_parser = within(0..=MOST_BLEND_FRAMES))]
    pub blend: u32,
    /// Prompts one after another: a text file, one a line.
    #[arg(long, value_name = "FILE")]
    prompt_queue: Option<PathBuf>,
    /// Seconds between two prompts of the queue.
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = within(EVERY_SECS), requires = "prompt_queue")]
    every: u32,
    /// Let the light go from dawn to dawn in so many minutes, whatever else is said.
    #[arg(long, value_name = "MINUTES", value_parser = within(MINUTES))]
    day: Option<u32>,
}

/// Takes a whole number of this range.
pub fn within(range: RangeInclusive<u32>) -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(i64::from(*range.start())..=i64::from(*range.end()))
}

impl PromptArgs {
    /// As [`words`] of what was given.
    ///
    /// # Errors
    /// As there.
    pub fn words(&self, title: &str, most_words: usize) -> Result<Vec<u16>, String> {
        words_with_warning(&self.prompt, title, most_words)
    }

    /// The day that goes by, if one does, while a prompt is said.
    ///
    /// # Errors
    /// One sentence where a day is to go by in a world that takes no words.
    pub fn day(&self, words: &[u16], title: &str, most_words: usize) -> Result<Day, String> {
        if self.day.is_some() && most_words == 0 {
            return Err(format!("{title} was made without words: nothing can tell it that a day goes by"));
        }
        let mut day = Day::of(self.day);
        day.begin_with(words, Duration::ZERO);
        Ok(day)
    }

    /// Whether a queue is given.
    pub fn has_queue(&self) -> bool {
        self.prompt_queue.is_some()
    }

    /// The queue; one that does not run where none is given. A prompt that is given beside it comes first.
    ///
    /// # Errors
    /// As [`read_queue`].
    pub fn queue(&self, title: &str, most_words: usize) -> Result<PromptQueue, String> {
        let Some(path) = &self.prompt_queue else { return Ok(PromptQueue::default()) };
        let mut queue = read_queue(path, self.every, title, most_words)?;
        if !self.prompt.trim().is_empty() {
            queue.wait(Duration::ZERO);
        }
        Ok(queue)
    }
}

/// Reads a queue that says a prompt every so many seconds. Prompts of which nothing counts are warned of.
///
/// # Errors
/// One sentence naming the file, or where no prompt of it counts.
pub fn read_queue(path: &Path, every_secs: u32, title: &str, most_words: usize) -> Result<PromptQueue, String> {
    let queue = PromptQueue::read(path, every_secs)?;
    let mut refused = Vec::new();
    let prompts = queue.prompts();
    for prompt in &prompts {
        if let Err(why) = words_with_warning(prompt, title, most_words) {
            refused.push(why);
        }
    }
    let all = refused.len() == prompts.len();
    match refused.first() {
        Some(why) if all => Err(format!("no prompt of {} can be used: {why}", path.display())),
        Some(why) => {
            log::warn!("{} of the prompts in {} change nothing; the first: {why}", refused.len(), path.display());
            Ok(queue)
        }
        None => Ok(queue),
    }
}

/// Rows of the word table that a prompt comes to.
///
/// # Errors
/// One sentence where there is a prompt and none of it counts.
pub fn words(text: &str, title: &str, most_words: usize) -> Result<Vec<u16>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    if most_words == 0 {
        return Err(format!("{title} was made without words and takes no prompts"));
    }
    let read = prompt::read(text, most_words);
    let ids = prompt::ids(&read);
    if !ids.is_empty() {
        return Ok(ids);
    }
    let Some(first) = unknown(&read, text).next() else {
        return Err(format!("the prompt {:?} holds no word that says something", quoted(text)));
    };
    let near = advice::near_in_spelling(first, 3);
    let advice = match near.is_empty() {
        true => format!("prompts are in {LANGUAGES}"),
        false => format!("spelt like {:?} are: {}", quoted(first), near.join(", ")),
    };
    Err(format!("none of the words of the prompt {:?} is known; {advice}", quoted(text)))
}

/// The same; words that do not count are warned of.
///
/// # Errors
/// As [`words`].
pub fn words_with_warning(text: &str, title: &str, most_words: usize) -> Result<Vec<u16>, String> {
    let words = words(text, title, most_words)?;
    doubt(text, most_words).inspect(|doubt| log::warn!("{doubt}"));
    Ok(words)
}

/// Half a sentence about words of a prompt that do not count, if there are any.
pub fn doubt(text: &str, most_words: usize) -> Option<String> {
    let read = prompt::read(text, most_words);
    let mut named: Vec<String> = unknown(&read, text).map(|word| format!("{:?}", quoted(word))).collect();
    if named.is_empty() {
        let too_many = read.iter().any(|word| word.fate == Fate::TooMany);
        return too_many.then(|| format!("only the first {most_words} words of the prompt count"));
    }
    let more = named.len().saturating_sub(5);
    named.truncate(5);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("words of the prompt that are not known and do not count: {}{more}", named.join(", ")))
}

/// What is heard of a prompt, in lines: the words that it comes to, and what the prompt's field tells of single ones.
pub fn hear(text: &str, most_words: usize) -> Vec<String> {
    let heard = prompt::text_of(&prompt::heard(&prompt::ids(&prompt::read(text, most_words))));
    let first = if heard.is_empty() { "no word of it counts".to_owned() } else { format!("heard: {heard}") };
    let mut marks = Marks::default();
    let told = marks.of(text, most_words).iter().filter_map(|(word, mark)| mark.advice(&text[word.range.clone()]));
    std::iter::once(first).chain(told).collect()
}

fn unknown<'a>(read: &'a [Word], text: &'a str) -> impl Iterator<Item = &'a str> {
    read.iter().filter(|word| word.fate == Fate::Unknown).map(|word| &text[word.range.clone()])
}

/// The beginning of a text, fit for a sentence.
pub fn quoted(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= QUOTED { line } else { line.chars().take(QUOTED).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_is_told_word_by_word() {
        assert_eq!(hear("a snowy forest at night", 8), ["heard: winter forest night", "snowy: heard as winter"]);
        assert_eq!(hear("snow night", 8), ["heard: snow night"]);
        let odd = hear("forrest, glacier, fog", 1);
        assert_eq!((odd[0].as_str(), odd[2].as_str()), ("heard: snowfield", "glacier: heard as snowfield"));
        assert!(odd[1].starts_with("forrest: not known") && odd[3].starts_with("fog: past the longest prompt"), "{odd:?}");
        assert_eq!(hear("the qwrtzx", 8)[0], "no word of it counts");
    }

    #[test]
    fn a_queue_is_read_where_anything_of_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.txt");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_queue(&path, 9, "isles", 8)
        };
        assert_eq!(read("qwrtzx\nsnow\n").map(|queue| (queue.prompts().len(), queue.every_secs)), Ok((2, 9)));
        assert!(read("qwrtzx\n").unwrap_err().contains("no prompt of"));
    }

    #[test]
    fn any_prompt_is_words_or_one_short_sentence() {
        let read = |text: &str| words(text, "isles", 8);
        assert!(read("").unwrap().is_empty() && read(" \n\t").unwrap().is_empty());
        assert_eq!(read("snow qwrtzx night").unwrap().len(), 2, "an unknown word is no end");
        assert_eq!(read(&"snow ".repeat(2000)).unwrap().len(), 8);
        for odd in
            ["\u{1F332}\u{1F332}", "\u{96EA}\u{306E}\u{68EE}", "\u{7}\u{1b}[31m", "the and of", "forrest", &"x".repeat(10_000), "\u{202E}"]
        {
            let said = read(odd).unwrap_err();
            assert!(said.len() < 300 && !said.contains(char::is_control), "{said:?}");
        }
        assert!(read("forrest").unwrap_err().contains("forest"));
        assert!(read("\u{96EA}\u{306E}\u{68EE}").unwrap_err().ends_with("Ukrainian or Russian"));
        assert!(words("snow", "tiny", 0).unwrap_err().contains("takes no prompts"));
        let passing = PromptArgs { day: Some(5), ..PromptArgs::default() };
        assert!(passing.day(&[], "tiny", 0).unwrap_err().contains("without words") && passing.day(&[], "isles", 8).unwrap().running);
    }
}
