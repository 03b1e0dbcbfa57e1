extension DocsPage {
    static let style = #"""
        :root { color-scheme: light dark; --line: #8886; --soft: #8881; --mark: #0a5ad6; }
        @media (prefers-color-scheme: dark) { :root { --mark: #7db3ff; } }
        * { box-sizing: border-box; }
        body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
        h1 { margin: 0 0 .25rem; }
        h2 { border-bottom: 1px solid var(--line); margin: 2rem 0 .5rem; padding-bottom: .25rem; }
        h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
        code, pre, textarea, .path { font-family: ui-monospace, monospace; font-size: .875rem; }
        pre { background: var(--soft); margin: .25rem 0; max-height: 24rem; overflow: auto; padding: .5rem; white-space: pre-wrap;
          overflow-wrap: anywhere; }
        details { border: 1px solid var(--line); border-radius: .375rem; margin: .5rem 0; }
        details > div { padding: 0 .75rem .75rem; }
        summary { cursor: pointer; padding: .5rem .75rem; }
        summary .path { font-weight: 600; margin: 0 .5rem; overflow-wrap: anywhere; }
        .method { border: 1px solid currentColor; border-radius: .25rem; color: var(--mark); display: inline-block;
          font-size: .75rem; font-weight: 700; min-width: 4.25rem; text-align: center; }
        label { display: block; margin: .5rem 0; }
        input, select, textarea { background: Field; border: 1px solid var(--line); color: FieldText; display: block; font-size: 1rem;
          padding: .375rem; width: 100%; }
        textarea { min-height: 8rem; }
        button { font: inherit; margin: .25rem .5rem .25rem 0; padding: .25rem 1rem; }
        :focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
        .skip { left: -100rem; position: absolute; }
        .skip:focus { left: 1rem; }
        .error { color: #c62828; }
        """#
}
