//! The console that Windows opens for a program of the command line that is started by its icon: nobody asked for it, and nobody reads it.

use std::sync::LazyLock;

use windows_sys::Win32::System::Console::{
    FreeConsole, GetConsoleProcessList, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
};

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
        // Or what is written would go to whatever is opened next under the same number.
        for handle in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
            // SAFETY: none at all is a handle that the standard library knows.
            unsafe { SetStdHandle(handle, std::ptr::null_mut()) };
        }
        // SAFETY: nobody holds what it closes.
        unsafe { FreeConsole() };
    }
}

/// Shows in a dialog why the program ends, where nobody would read it on the console.
pub fn complain(why: &str) {
    if *IS_OURS {
        rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error).set_title("Somnium").set_description(why).show();
    }
}
