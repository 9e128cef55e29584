//! The console that Windows opens for a program of the command line that is started by its icon: nobody asked for it, and nobody reads it.

use std::sync::LazyLock;

use windows_sys::Win32::System::Console::{FreeConsole, GetConsoleProcessList};

/// It is this program's alone: whoever calls from a command line has it too.
static IS_OURS: LazyLock<bool> = LazyLock::new(|| {
    let mut programs = [0; 2];
    // SAFETY: the list has room for as many as it is said to have.
    let count = unsafe { GetConsoleProcessList(programs.as_mut_ptr(), programs.len() as u32) };
    count == 1
});

/// Closes it where nobody asked for it. What is written from now on goes nowhere.
pub fn leave() {
    if *IS_OURS {
        // SAFETY: the standard library lets what it cannot write be.
        unsafe { FreeConsole() };
    }
}

/// Shows in a dialog why the program ends, where nobody would read it on the console.
pub fn complain(why: &str) {
    if *IS_OURS {
        rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error).set_title("Somnium").set_description(why).show();
    }
}
