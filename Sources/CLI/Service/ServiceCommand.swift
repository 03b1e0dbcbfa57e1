import Glibc
import Proxy

/// `headgate service install|uninstall`
enum ServiceCommand {
    static let subVerbs = [
        SubVerb(
            "install",
            options: ["--name=", "--user=", "--directory=", "--config=", "-c=", "--prefix=", "--dry-run"],
            run: install),
        SubVerb("uninstall", options: ["--name=", "--prefix=", "--dry-run"], run: uninstall),
    ]

    static let help = """
        usage: headgate service install
               headgate service uninstall

        `install`, as root, makes headgate a service of systemd that starts at boot: its user, its folders, a
        configuration to begin with where there is none, the unit; then starts it. Once more, it brings the
        unit up to date. `uninstall` stops it and removes the unit; configuration, data and user stay.

          --name NAME         of the service (default headgate); its places are named for it
          -c, --config FILE   what it serves (default /etc/NAME/headgate.yaml)
          --user USER         whom it runs as (default headgate, a user of its own, made where it is missing)
          --directory DIR     works in DIR, which it may write to: DIR/headgate.yaml, DIR/.env, DIR/data. Less
                              closed than without; says how much less
          --prefix DIR        the system below DIR, such as an image: nothing is started
          --dry-run           print the unit and each step, change nothing

        exit: 0 done, 1 not
        """

    private static func install(_ command: CommandLineArguments) -> Int32 {
        perform(command) { (plan) throws(ServiceError) in try ServiceInstallation(plan).steps() }
    }

    private static func uninstall(_ command: CommandLineArguments) -> Int32 {
        perform(command) { (plan) throws(ServiceError) in try ServiceRemoval(plan).steps() }
    }

    private static func perform(
        _ command: CommandLineArguments, _ steps: (ServicePlan) throws(ServiceError) -> [ServiceStep]
    ) -> Int32 {
        do throws(ServiceError) {
            let plan = try ServicePlan(command)
            let isDry = command.has("--dry-run")
            if !isDry {
                guard geteuid() == 0 else {
                    throw ServiceError("this needs root: try it with sudo, or --dry-run")
                }
                try Systemd(prefix: plan.prefix).checkRunning()
            }
            for step in try steps(plan) {
                if isDry {
                    Terminal.print(step.plan)
                } else if let outcome = try step.perform() {
                    Terminal.print(outcome)
                }
            }
            return ExitCode.success
        } catch {
            Terminal.printError("headgate: \(error.message)")
            return ExitCode.failure
        }
    }
}

/// Why a service cannot be installed or removed, for people.
struct ServiceError: Error, Equatable {
    let message: String
    init(_ message: String) { self.message = message }
}

/// One thing that is done, or would be.
struct ServiceStep {
    /// What `--dry-run` says.
    let plan: String
    /// - Returns: what it has come to; nil: there is nothing to say.
    let perform: () throws(ServiceError) -> String?
}
