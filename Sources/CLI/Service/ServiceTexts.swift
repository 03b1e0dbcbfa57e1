/// Files that come with headgate, as `service install` writes them. A test holds them to those in `systemd/`.
enum ServiceTexts {
    /// systemd/headgate.service
    static let unit = #"""
        # headgate as a system service. To change it: `systemctl edit headgate`, never here.
        [Unit]
        Description=headgate reverse proxy
        Documentation=file:///usr/share/doc/headgate/systemd.md
        After=network-online.target nss-lookup.target
        Wants=network-online.target
        # A proxy does not give up, and restarts by hand count as well.
        StartLimitIntervalSec=0

        [Service]
        Type=notify
        # Who may speak to systemd: the daemon, and what ExecStartPre= and ExecReload= run; no process that these start.
        NotifyAccess=exec
        # As root, and gone before the daemon begins: binds the ports of the file and leaves them in the descriptor store.
        ExecStartPre=+/usr/bin/headgate bind --config /etc/headgate/headgate.yaml
        ExecStart=/usr/bin/headgate run --config /etc/headgate/headgate.yaml
        # Waits until the new configuration is served; else fails, and says why.
        ExecReload=/usr/bin/headgate reload
        # Listeners outlive a restart and a crash there: connections wait, none is refused.
        FileDescriptorStoreMax=256
        WatchdogSec=15
        Restart=always
        RestartSec=200ms
        # The file is wrong: starting again cannot help.
        RestartPreventExitStatus=78
        TimeoutStartSec=60
        # Beyond the default of process.drain_timeout; for a longer one the daemon asks for more.
        TimeoutStopSec=30
        KillMode=mixed
        LimitNOFILE=524288
        SyslogIdentifier=headgate
        # The access log may go to the journal, which else drops what is above 10,000 lines in 30 s.
        LogRateLimitIntervalSec=1s
        LogRateLimitBurst=1000000

        # Identity and places
        User=headgate
        Group=headgate
        ConfigurationDirectory=headgate
        StateDirectory=headgate
        StateDirectoryMode=0700
        LogsDirectory=headgate
        LogsDirectoryMode=0750
        RuntimeDirectory=headgate
        RuntimeDirectoryMode=0700
        UMask=0077

        # Privileges: none, for ports below 1024 neither
        CapabilityBoundingSet=
        PrivateUsers=yes
        NoNewPrivileges=yes
        RestrictSUIDSGID=yes
        RestrictNamespaces=yes
        RestrictRealtime=yes
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        KeyringMode=private
        RemoveIPC=yes

        # Files and devices
        ProtectSystem=strict
        ProtectHome=yes
        PrivateTmp=yes
        PrivateMounts=yes
        PrivateIPC=yes
        PrivateDevices=yes
        DevicePolicy=closed
        ProtectProc=invisible
        ProcSubset=pid

        # Kernel
        ProtectKernelTunables=yes
        ProtectKernelModules=yes
        ProtectKernelLogs=yes
        ProtectControlGroups=yes
        ProtectClock=yes
        ProtectHostname=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged @resources
        SystemCallErrorNumber=EPERM
        RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

        [Install]
        WantedBy=multi-user.target

        """#

    /// systemd/headgate.yaml
    static let config = #"""
        # Installed as /etc/headgate/headgate.yaml. What you save is served at once, unless it is wrong: `headgate check`
        # says what, `systemctl status headgate` too. All keys: config.example.yaml in /usr/share/doc/headgate.
        version: 1

        # The upstream's key goes in there: OPENAI_API_KEY=sk-...
        env_file: .env

        listeners:
          local: 127.0.0.1:8000          # 0.0.0.0:8000 lets other machines in

        auth:
          # `headgate token create NAME`, as root, makes a token and shows it once; `revoke` holds within a second.
          clients: { mode: token-file, file: /var/lib/headgate/api_tokens.json }
          open: { mode: none, ignore_credentials: true }

        upstreams:
          openai: { url: https://api.openai.com/v1, key: "${OPENAI_API_KEY:-unset}" }

        routes:
          - { path: /v1/**, auth: clients, to: openai }
          - { path: /health, auth: open, respond: { json: { status: ok } } }

        """#

    /// What an empty `.env` says, as in systemd/headgate.tmpfiles.
    static let environment = #"""
        # NAME=value lines for ${NAME} and {env: NAME} of headgate.yaml; changes are taken over at once.

        """#
}
