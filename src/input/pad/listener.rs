//! The thread that listens to real pads, and listens on where an odd one ends gilrs in a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{PadEvent, PadId, PadNews, Pads, translate};
use crate::input::bindings::Bindings;
use crate::input::latch::Latch;

/// How long gilrs rests where it ended in a panic, as an odd pad can have it: first, and at most, where that happens again and again. Who listened for as
/// long as that without one begins with the first rest again.
const RESTS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(60)];

/// The thread that listens to real pads; it ends when this is dropped.
pub struct PadListener {
    /// Dropped to stop the thread.
    _alive: Sender<()>,
}

impl PadListener {
    /// Listens on a thread named "pad". `tell` is called from there.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn spawn(bindings: Arc<Bindings>, latch: Arc<Mutex<Latch>>, tell: impl Fn(PadNews) + Send + 'static) -> std::io::Result<Self> {
        let (alive, stop) = channel::<()>();
        std::thread::Builder::new().name("pad".to_owned()).spawn(move || {
            let (bindings, latch) = (bindings.as_ref(), latch.as_ref());
            let listen = |pads: &mut Pads| listen(&stop, pads, (bindings, latch), &tell);
            listen_again(listen, &stop, RESTS, (bindings, latch), &tell);
        })?;
        Ok(Self { _alive: alive })
    }
}

/// Has somebody `listen` who may end in a panic, and begins anew then, after a rest that grows from the `first` to the `longest`; tells where pads cannot be
/// read, once of what happens again and again.
fn listen_again(
    mut listen: impl FnMut(&mut Pads) -> Result<(), String>,
    stop: &Receiver<()>,
    [first, longest]: [Duration; 2],
    (bindings, latch): (&Bindings, &Mutex<Latch>),
    tell: &dyn Fn(PadNews),
) {
    let (mut pads, mut rests) = (Pads::default(), None::<Duration>);
    loop {
        let begun = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| listen(&mut pads))) {
            Ok(Ok(())) => return,
            Ok(Err(why)) => return tell(PadNews::Unavailable(why)),
            // When they let go is not heard any more.
            Err(_) => pads.unplug_all(bindings, &mut latch.lock().unwrap_or_else(PoisonError::into_inner)),
        }
        let rest = match rests {
            Some(rest) if begun.elapsed() < longest => longest.min(rest * 2),
            _ => {
                tell(PadNews::Unavailable("one of them says what gilrs does not expect".to_owned()));
                first
            }
        };
        rests = Some(rest);
        if stop.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Listens until it is to stop.
///
/// # Errors
/// Why pads cannot be read.
fn listen(
    stop: &Receiver<()>,
    pads: &mut Pads,
    (bindings, latch): (&Bindings, &Mutex<Latch>),
    tell: &dyn Fn(PadNews),
) -> Result<(), String> {
    // No default filters: the dead zone is the table's own.
    let mut gilrs = gilrs::GilrsBuilder::new().with_default_filters(false).build().map_err(|why| why.to_string())?;
    // Not every system reports those that are there already.
    for (id, pad) in gilrs.gamepads() {
        hear(id.into(), PadEvent::Connected, pad.name(), pads, (bindings, latch), tell);
    }
    while matches!(stop.try_recv(), Err(TryRecvError::Empty)) {
        if let Some(event) = gilrs.next_event_blocking(Some(pads.waits(Instant::now())))
            && let Some(translated) = translate(&event.event)
        {
            hear(event.id.into(), translated, gilrs.gamepad(event.id).name(), pads, (bindings, latch), tell);
        }
        let again = pads.again(&latch.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        if let Some(news) = again {
            tell(news);
        }
    }
    Ok(())
}

/// Takes in an event of the pad `id` and tells the window what it should know of it.
fn hear(id: PadId, event: PadEvent, name: &str, pads: &mut Pads, (bindings, latch): (&Bindings, &Mutex<Latch>), tell: &dyn Fn(PadNews)) {
    match event {
        PadEvent::Connected if !pads.is_there(id) => tell(PadNews::Connected(name.to_owned())),
        PadEvent::Disconnected if pads.is_there(id) => tell(PadNews::Disconnected(name.to_owned())),
        _ => {}
    }
    let (news, pressed) = {
        let mut latch = latch.lock().unwrap_or_else(PoisonError::into_inner);
        let before = latch.presses();
        (pads.feed(id, event, bindings, &mut latch), latch.presses() > before)
    };
    if pressed {
        tell(PadNews::Pressed);
    }
    if let Some(news) = news {
        tell(news);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::input::pad::PadControl;

    #[test]
    fn a_pad_is_counted_once_whoever_reports_it() {
        let (bindings, latch, told) = (Bindings::default(), Mutex::new(Latch::default()), RefCell::new(Vec::new()));
        let mut pads = Pads::default();
        let mut hear = |event| hear(3, event, "a pad", &mut pads, (&bindings, &latch), &|news| told.borrow_mut().push(news));
        // There before the start, and reported by the system all the same.
        hear(PadEvent::Connected);
        hear(PadEvent::Connected);
        hear(PadEvent::Pressed(PadControl::DPadLeft));
        hear(PadEvent::Disconnected);
        hear(PadEvent::Disconnected);
        hear(PadEvent::Connected);
        let (come, gone) = (PadNews::Connected("a pad".to_owned()), PadNews::Disconnected("a pad".to_owned()));
        assert_eq!(told.take(), [come.clone(), PadNews::Pressed, gone, come]);
    }

    #[test]
    fn an_odd_pad_is_told_of_and_listened_to_again_and_holds_nothing_meanwhile() {
        let (bindings, latch, told) = (Bindings::default(), Mutex::new(Latch::default()), RefCell::new(Vec::new()));
        let tell = |news: PadNews| told.borrow_mut().push(news);
        let (alive, stop) = channel::<()>();
        let is_held = || latch.lock().unwrap_or_else(PoisonError::into_inner).is_held();
        // So many of the first end in a panic while a direction is held; gives when each was begun.
        let begun = |panics: usize, longest: Duration| {
            let (mut times, mut held) = (Vec::new(), Vec::new());
            let listen = |pads: &mut Pads| {
                times.push(Instant::now());
                let before = is_held();
                let press = PadEvent::Pressed(PadControl::DPadLeft);
                hear(3, press, "a pad", pads, (&bindings, &latch), &|_| {});
                held.push([before, is_held()]);
                assert!(times.len() > panics, "as the test has it");
                Err("it is enough".to_owned())
            };
            listen_again(listen, &stop, [Duration::from_millis(1), longest], (&bindings, &latch), &tell);
            assert!(held.iter().all(|held| *held == [false, true]), "held by a pad that nobody listens to: {held:?}");
            times
        };
        let let_go = || latch.lock().unwrap_or_else(PoisonError::into_inner).release_pad(3);
        let minute = Duration::from_secs(60);
        let times = begun(6, minute);
        // It is told of once, and the rests grow: 1, 2, 4, 8, 16, 32 ms at least.
        assert!(times.len() == 7 && times[6] - times[0] >= Duration::from_millis(63), "{times:?}");
        let enough = PadNews::Unavailable("it is enough".to_owned());
        let told_of = told.take();
        assert!(told_of.len() == 2 && told_of[0] != enough && told_of[1] == enough, "{told_of:?}");
        let_go();
        // Where it went well for long in between, each time; however often that is.
        assert_eq!((begun(40, Duration::ZERO).len(), told.take().len()), (41, 41));
        let_go();
        // Who is dropped meanwhile is not begun again.
        drop(alive);
        assert_eq!(begun(2, minute).len(), 1);
        assert!(!is_held());
    }
}
