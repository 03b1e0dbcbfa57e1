import Glibc

/// The steps that make headgate a service. Each can be done again: what is there already stays.
struct ServiceInstallation {
    private let plan: ServicePlan
    private let files: ServiceFiles
    private let systemd: Systemd

    init(_ plan: ServicePlan) {
        self.plan = plan
        files = ServiceFiles(prefix: plan.prefix)
        systemd = Systemd(prefix: plan.prefix)
    }

    /// - Throws: where there is no systemd, or what was named is not there.
    func steps() throws(ServiceError) -> [ServiceStep] {
        if let directory = plan.directory, !files.isFolder(directory) {
            throw ServiceError("there is no folder \(plan.prefix)\(directory)")
        }
        if plan.isUserNamed, files.owner(plan.user) == nil {
            throw ServiceError("there is no user `\(plan.user)`")
        }
        for path in [plan.unitPath] + plan.packagedUnitPaths where files.isThere(path) {
            guard files.isUnitOfHeadgate(path) else {
                throw ServiceError("\(path) is no unit of headgate's: give this one another --name")
            }
        }
        let packaged = plan.isStandard ? plan.packagedUnitPaths.first(where: files.isThere) : nil
        var steps = [userStep]
        if packaged == nil { steps += binarySteps }
        steps += placeSteps
        steps.append(packaged.map(packagedStep) ?? unitStep)
        if plan.directory != nil || plan.isUserNamed { steps.append(scoreStep) }
        return steps + startSteps
    }

    // MARK: Steps

    private var userStep: ServiceStep {
        let (plan, files, systemd) = (plan, files, systemd)
        guard !plan.isUserNamed else {
            return ServiceStep(plan: "user \(plan.user): is there") { () throws(ServiceError) in nil }
        }
        return ServiceStep(plan: "make the user \(plan.user), where there is none") {
            () throws(ServiceError) in
            guard files.owner(plan.user) == nil else { return "user \(plan.user): is there" }
            try systemd.makeUser(plan.user, home: plan.statePath)
            guard files.owner(plan.user) != nil else {
                throw ServiceError("systemd-sysusers has not made the user \(plan.user)")
            }
            return "user \(plan.user): made"
        }
    }

    private var binarySteps: [ServiceStep] {
        let (plan, files) = (plan, files)
        guard plan.prefix + plan.binary != plan.source else { return [] }
        return [
            ServiceStep(plan: "copy \(plan.source) to \(plan.prefix)\(plan.binary)") {
                () throws(ServiceError) in
                try files.copy(plan.source, to: plan.binary)
            }
        ]
    }

    private var placeSteps: [ServiceStep] {
        var steps: [ServiceStep] = []
        let isOwn = plan.directory != nil
        if !isOwn {
            steps.append(folder(plan.configFolder, mode: 0o755, isOfUser: false))
            steps.append(folder(plan.statePath, mode: 0o700, isOfUser: true))
        }
        if isOwn || !plan.isConfigNamed {
            steps.append(file(plan.environmentPath, ServiceTexts.environment, mode: 0o600, owner: .user))
        }
        if !plan.isConfigNamed {
            steps.append(file(plan.config, plan.configText, mode: 0o640, owner: isOwn ? .user : .group))
        } else if !files.isThere(plan.config) {
            steps.append(
                ServiceStep(plan: "\(plan.config) is not there yet") { () throws(ServiceError) in
                    throw ServiceError("there is no \(plan.config)")
                })
        }
        return steps
    }

    private func folder(_ path: String, mode: mode_t, isOfUser: Bool) -> ServiceStep {
        let (plan, files) = (plan, files)
        return ServiceStep(plan: "make \(plan.prefix)\(path), where it is missing") {
            () throws(ServiceError) in
            try files.makeFolder(path, mode: mode, owner: isOfUser ? files.owner(plan.user) : nil)
        }
    }

    private enum Owner { case user, group }

    /// Never written over.
    private func file(_ path: String, _ text: String, mode: mode_t, owner: Owner) -> ServiceStep {
        let (plan, files) = (plan, files)
        return ServiceStep(plan: "write \(plan.prefix)\(path), where there is none") {
            () throws(ServiceError) in
            var identity = files.owner(plan.user)
            if owner == .group { identity?.user = 0 }
            return try files.write(path, text, mode: mode, owner: identity, replaces: false)
        }
    }

    private var unitStep: ServiceStep {
        let (plan, files) = (plan, files)
        let path = plan.prefix + plan.unitPath
        return ServiceStep(plan: "write \(path):\n\n\(plan.unitText)") { () throws(ServiceError) in
            try files.write(plan.unitPath, plan.unitText, mode: 0o644, owner: nil, replaces: true)
        }
    }

    private func packagedStep(_ path: String) -> ServiceStep {
        let text = "unit: \(plan.prefix)\(path), which is there"
        return ServiceStep(plan: text) { () throws(ServiceError) in text }
    }

    private var scoreStep: ServiceStep {
        let (plan, systemd) = (plan, systemd)
        return ServiceStep(
            plan: "say how closed it is: " + (systemd.score(plan) ?? "systemd-analyze is not there")
        ) {
            () throws(ServiceError) in systemd.score(plan)
        }
    }

    private var startSteps: [ServiceStep] {
        let (plan, systemd) = (plan, systemd)
        let enable = ServiceStep(plan: "systemctl enable \(plan.unit)") { () throws(ServiceError) in
            try systemd.control("enable", plan.unit)
            return "systemctl enable \(plan.unit)"
        }
        guard plan.prefix.isEmpty else { return [enable] }
        let start = ServiceStep(plan: "systemctl restart \(plan.unit)") { () throws(ServiceError) in
            try begin()
            return outcome
        }
        return [reloadStep, enable, start]
    }

    private func begin() throws(ServiceError) {
        // Why a reload first: one that runs would be lost to a file that is wrong.
        guard systemd.isActive(plan.unit) else { return try restart("does not start") }
        do throws(ServiceError) {
            try systemd.control("reload", plan.unit)
        } catch {
            throw ServiceError(
                "\(plan.unit) goes on as it was:\n\(systemd.errors(of: plan.unit))"
                    + "`systemctl restart \(plan.unit)`, when that is put right")
        }
        try restart("does not start again")
    }

    private func restart(_ trouble: String) throws(ServiceError) {
        do throws(ServiceError) {
            try systemd.control("restart", plan.unit)
        } catch {
            throw ServiceError(
                "\(plan.unit) is installed, but \(trouble):\n\(systemd.errors(of: plan.unit))"
                    + "`systemctl start \(plan.unit)`, when that is put right")
        }
    }

    private var outcome: String {
        let admin = plan.name == "headgate" ? "" : " --admin /run/\(plan.name)/admin.sock"
        return """
            \(plan.unit) runs, and starts at boot
              its configuration:  \(plan.config)
              what it says:       journalctl -u \(plan.name) -f
              what it does:       headgate status\(admin)
            """
    }

    private var reloadStep: ServiceStep {
        let systemd = systemd
        return ServiceStep(plan: "systemctl daemon-reload") { () throws(ServiceError) in
            try systemd.control("daemon-reload")
            return nil
        }
    }
}
