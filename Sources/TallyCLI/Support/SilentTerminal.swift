import Glibc

/// A terminal that shows nothing of what is typed, and shows it again however the program ends: a
/// signal that ends it puts the terminal back first.
enum SilentTerminal {
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    // SAFETY: written before the handlers are there and after they are gone; meanwhile only they read
    // it, and they call nothing but what POSIX allows to a signal handler. Passwords are asked for
    // one after another.
    nonisolated(unsafe) private static var before: (descriptor: Int32, attributes: termios) = (
        -1, termios()
    )
    // SAFETY: as above.
    nonisolated(unsafe) private static var actions: [(signal: Int32, action: sigaction)] = []

    /// - Parameter descriptor: of a terminal; of anything else nothing is changed.
    static func begin(_ descriptor: Int32) {
        var attributes = termios()
        guard tcgetattr(descriptor, &attributes) == 0 else { return }
        before = (descriptor, attributes)
        for signal in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = restoreAndDie
            var previous = sigaction()
            guard sigaction(signal, &action, &previous) == 0 else { continue }
            actions.append((signal, previous))
        }
        attributes.c_lflag &= ~tcflag_t(ECHO)
        _ = tcsetattr(descriptor, TCSAFLUSH, &attributes)
    }

    fileprivate static func restore() {
        _ = tcsetattr(before.descriptor, TCSAFLUSH, &before.attributes)
    }

    static func end() {
        guard before.descriptor >= 0 else { return }
        restore()
        for (signal, action) in actions {
            var action = action
            sigaction(signal, &action, nil)
        }
        actions = []
        before.descriptor = -1
    }
}

/// What a signal does while the echo is off.
private func restoreAndDie(_ number: Int32) {
    SilentTerminal.restore()
    _ = signal(number, SIG_DFL)
    raise(number)
}
