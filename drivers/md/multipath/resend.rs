// SPDX-License-Identifier: GPL-2.0

//! I/O that a path holds for too long: when it may be sent again.
//!
//! That a path is late does not say that it has lost the I/O. The command may still be carried out
//! at any time, and what it does then must hurt nobody:
//!
//! - A late **write** that lands over a newer one is silent corruption. So it is neither sent again
//!   nor ended before its first command is known to be dead: answered, aborted, reset, or gone with
//!   its device. Who issued it can issue no newer one before.
//! - A late **read** changes no medium, but it puts data into memory. It may be sent again at once
//!   if that memory is the target's own, and not if it is the memory of who issued it: that would
//!   be theirs again, for anything, as soon as the second command has answered.
//! - A late **flush** does neither.

/// What an I/O does, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    /// Reads into memory of the target's own, to be copied when the I/O ends.
    ReadToOwnMemory,
    /// Reads straight into the memory of who issued it.
    ReadToIssuer,
    /// Has the device write its cache back.
    Flush,
    /// Anything that changes the medium: writes, discards, zeroes, resets a zone.
    Write,
}

impl Operation {
    /// Whether a second command may be sent while the first may still be carried out.
    const fn may_overlap(self) -> bool {
        match self {
            Self::ReadToOwnMemory | Self::Flush => true,
            Self::ReadToIssuer | Self::Write => false,
        }
    }
}

/// One of the commands of an I/O.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Attempt {
    /// The one that is held.
    First,
    /// The one that was sent after it.
    Second,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// With a result for who issued the I/O: done, or an error that every path would give.
    Final,
    /// With an error of the path.
    PathError,
    /// Without an answer: aborted, reset, or gone with its device. It does nothing any more.
    Dead,
}

/// What is to be done.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Nothing: something else has to happen.
    Wait,
    /// Send the I/O on another path; if there is none, as for any I/O without a path. It is the
    /// second command from here, or the only one if the first is dead.
    Send(Attempt),
    /// End the I/O with the result of this command.
    Complete(Attempt),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Command {
    /// Not sent, or certain to do nothing any more.
    None,
    /// It may still be carried out.
    Out,
}

/// An I/O that was sent to a path.
///
/// # Invariants
///
/// - A command is sent beside one that is out only if the operation may overlap.
/// - The I/O is complete while a command is out only if the operation may overlap.
#[derive(Debug)]
pub(crate) struct HeldIo {
    operation: Operation,
    first: Command,
    second: Command,
    held: bool,
    complete: bool,
}

impl HeldIo {
    /// The I/O has just been sent.
    pub(crate) const fn sent(operation: Operation) -> Self {
        Self {
            operation,
            first: Command::Out,
            second: Command::None,
            held: false,
            complete: false,
        }
    }

    /// The deadline of the path has passed, and the first command has not ended.
    pub(crate) fn deadline_passed(&mut self) -> Step {
        if self.held || self.complete || self.first != Command::Out {
            return Step::Wait;
        }
        self.held = true;
        if self.operation.may_overlap() {
            // INVARIANT: it may.
            self.second = Command::Out;
            Step::Send(Attempt::Second)
        } else {
            Step::Wait
        }
    }

    /// A command has ended. A command that is not out cannot end: nothing happens then.
    pub(crate) fn ended(&mut self, attempt: Attempt, answer: Answer) -> Step {
        let (this, other) = match attempt {
            Attempt::First => (&mut self.first, &mut self.second),
            Attempt::Second => (&mut self.second, &mut self.first),
        };
        if *this != Command::Out {
            return Step::Wait;
        }
        *this = Command::None;
        if self.complete {
            return Step::Wait;
        }
        match answer {
            Answer::Final => {
                // INVARIANT: if the other is out, the operation may overlap.
                self.complete = true;
                Step::Complete(attempt)
            }
            Answer::PathError | Answer::Dead => match (*other, self.operation.may_overlap()) {
                // The other one may still answer; nothing would be gained by a third.
                (Command::Out, true) if attempt == Attempt::First => Step::Wait,
                // The held one is all there is: once more beside it.
                (Command::Out, true) => {
                    // INVARIANT: it may overlap.
                    *this = Command::Out;
                    Step::Send(attempt)
                }
                (Command::Out, false) => Step::Wait,
                (Command::None, _) => {
                    // INVARIANT: no other is out.
                    *this = Command::Out;
                    self.held = false;
                    Step::Send(attempt)
                }
            },
        }
    }

    /// Whether nothing that belongs to the I/O is used by a command any more. Its memory must not
    /// be given back before.
    pub(crate) const fn is_released(&self) -> bool {
        matches!((self.first, self.second), (Command::None, Command::None))
    }

    /// Whether the I/O has been ended for who issued it.
    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }
}
