extension DocsPage {
    /// Reads the description and shows it. All text goes into the page as text, so that nothing in a
    /// description can become markup.
    static let script = #"""
        "use strict";
        const $ = (id) => document.getElementById(id);
        let spec;

        function make(name, attributes, ...children) {
          const element = document.createElement(name);
          for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
          element.append(...children.filter((child) => child !== undefined && child !== ""));
          return element;
        }

        function resolved(schema) {
          let found = schema || {};
          for (let depth = 0; found.$ref && depth < 20; depth++) {
            found = found.$ref.slice(2).split("/").reduce((at, key) => at[key], spec);
          }
          if (!found.allOf) return found;
          const whole = { ...found, properties: {}, required: [] };
          for (const part of found.allOf.map(resolved)) {
            Object.assign(whole.properties, part.properties);
            whole.required.push(...(part.required || []));
            if (part.examples) whole.examples = part.examples;
          }
          delete whole.allOf;
          whole.type = "object";
          return whole;
        }

        // What a value must be, in one line, or in several where it has members.
        function shape(schema, indent = "", depth = 0) {
          const it = resolved(schema);
          const bounds = [["minimum", "≥ "], ["maximum", "≤ "], ["minLength", "length ≥ "], ["maxLength", "length ≤ "]]
            .filter(([key]) => it[key] !== undefined && Math.abs(it[key]) < 1e15).map(([key, word]) => word + it[key]);
          const about = (it.format ? [it.format] : []).concat(bounds);
          const tail = (about.length ? " (" + about.join(", ") + ")" : "") + (it.description ? "  — " + it.description : "");
          if ("const" in it) return JSON.stringify(it.const);
          if (it.enum) return it.enum.map((value) => JSON.stringify(value)).join(" | ") + tail;
          if (it.anyOf) return it.anyOf.map((part) => shape(part, indent, depth)).join(" | ") + tail;
          if (depth > 6) return "…";
          if (it.items) return "list of " + shape(it.items, indent, depth + 1) + tail;
          if (!it.properties) return [].concat(it.type || "anything").join(" | ") + tail;
          const needed = it.required || [];
          const lines = Object.entries(it.properties).map(([name, part]) =>
            indent + "  " + name + (needed.includes(name) ? "" : "?") + ": " + shape(part, indent + "  ", depth + 1));
          return "{\n" + lines.join("\n") + "\n" + indent + "}";
        }

        function sample(schema, depth = 0) {
          const it = resolved(schema);
          if (it.examples && it.examples.length) return it.examples[0];
          if ("const" in it) return it.const;
          if (it.enum) return it.enum.includes("user") ? "user" : it.enum[0];
          if (it.anyOf) return sample(it.anyOf[0], depth);
          const type = [].concat(it.type || "object")[0];
          if (type === "array") return depth > 4 || !it.items ? [] : [sample(it.items, depth + 1)];
          if (type === "object") {
            const value = {};
            for (const [name, part] of Object.entries(it.properties || {})) {
              if ((it.required || []).includes(name)) value[name] = sample(part, depth + 1);
            }
            return value;
          }
          if (type === "integer" || type === "number") return Math.max(it.minimum || 0, 0);
          if (type === "boolean") return false;
          return it.format === "email" ? "ann@example.com" : type === "string" ? "text" : null;
        }

        // The answer piece by piece, as it comes.
        async function send(method, url, options, output, stop) {
          output.textContent = "";
          output.classList.remove("error");
          try {
            const answer = await fetch(url, { ...options, method, signal: stop.signal });
            const fields = ["content-type", "retry-after", "x-request-id", "allow"].filter((name) => answer.headers.get(name))
              .map((name) => name + ": " + answer.headers.get(name));
            output.textContent = answer.status + " " + answer.statusText + "\n" + fields.join("\n") + "\n\n";
            if (!answer.ok) output.classList.add("error");
            if (!answer.body) return;
            const reader = answer.body.getReader();
            const decoder = new TextDecoder();
            for (;;) {
              const { done, value } = await reader.read();
              if (done) break;
              output.append(decoder.decode(value, { stream: true }));
              output.scrollTop = output.scrollHeight;
            }
          } catch (error) {
            output.classList.add("error");
            output.append(error.name === "AbortError" ? "\n(stopped)" : "\n" + error);
          }
        }

        function field(text, input) { return make("label", {}, text, input); }

        // What stands in the form, as a request of `fetch`.
        function request(method, path, inputs, type, body, file) {
          let url = path;
          const headers = {};
          for (const [parameter, input] of inputs) {
            if (parameter.in === "path") url = url.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
            if (parameter.in === "header" && input.value) headers[parameter.name] = input.value;
          }
          const key = $("key").value.trim();
          if (key) headers.Authorization = "Bearer " + key;
          if (!type) return [url, { headers }];
          if (type.value === "multipart/form-data") {
            const form = new FormData();
            for (const [name, value] of Object.entries(JSON.parse(body.value))) form.append(name, value);
            if (file && file.files[0]) form.set("file", file.files[0]);
            return [url, { headers, body: form }];
          }
          headers["Content-Type"] = type.value;
          if (type.value === "application/json") return [url, { headers, body: body.value }];
          return [url, { headers, body: new URLSearchParams(JSON.parse(body.value)).toString() }];
        }

        function tryForm(method, path, operation) {
          const form = make("form", {});
          const inputs = (operation.parameters || []).map((parameter) => {
            const input = make("input", parameter.required ? { required: "" } : {});
            form.append(field(parameter.name + " (" + parameter.in + ")", input));
            return [parameter, input];
          });
          let type, body, file;
          const content = operation.requestBody && operation.requestBody.content;
          if (content) {
            const types = Object.keys(content);
            type = make("select", {}, ...types.map((name) => make("option", {}, name)));
            body = make("textarea", { spellcheck: "false" });
            body.value = JSON.stringify(sample(content[types[0]].schema), null, 2);
            form.append(field("Content type", type), field("Body", body));
            if (types[0] === "multipart/form-data") form.append(field("File", (file = make("input", { type: "file" }))));
          }
          const output = make("pre", { role: "status", "aria-live": "polite", hidden: "" });
          let stop;
          const stopButton = make("button", { type: "button", disabled: "" }, "Stop");
          stopButton.addEventListener("click", () => stop && stop.abort());
          form.append(make("button", { type: "submit" }, "Send"), stopButton, output);
          form.addEventListener("submit", async (event) => {
            event.preventDefault();
            output.hidden = false;
            stop = new AbortController();
            stopButton.disabled = false;
            try {
              const [url, options] = request(method, path, inputs, type, body, file);
              await send(method, url, options, output, stop);
            } catch (error) { output.textContent = String(error); }
            stopButton.disabled = true;
          });
          return form;
        }

        function contents(title, content) {
          return Object.entries(content || {}).flatMap(([type, media]) =>
            [make("h3", {}, title + " · " + type), make("pre", {}, shape(media.schema))]);
        }

        function operationView(path, method, operation) {
          const name = method.toUpperCase();
          const inside = make("div", {});
          const schemes = (operation.security || []).flatMap((one) => Object.keys(one));
          if (schemes.length) inside.append(make("p", {}, "Credential: " + schemes.join(" or ")));
          if (operation.requestBody) inside.append(...contents("Request", operation.requestBody.content));
          for (const [status, answer] of Object.entries(operation.responses)) {
            const views = contents(status + ": " + answer.description, answer.content);
            inside.append(...(views.length ? views : [make("h3", {}, status + ": " + answer.description)]));
          }
          inside.append(make("h3", {}, "Try it"), tryForm(name, path, operation));
          return make("details", { id: operation.operationId, class: "operation" },
            make("summary", {}, make("span", { class: "method" }, name), make("span", { class: "path" }, path),
              operation.summary || ""), inside);
        }

        function show(found) {
          spec = found;
          $("about").textContent = [spec.info.description, "Version " + spec.info.version].filter(Boolean).join(" · ");
          const tags = new Map();
          for (const [path, methods] of Object.entries(spec.paths)) {
            for (const [method, operation] of Object.entries(methods)) {
              const tag = (operation.tags || ["Other"])[0];
              if (!tags.has(tag)) tags.set(tag, make("section", { "aria-label": tag }, make("h2", {}, tag)));
              tags.get(tag).append(operationView(path, method, operation));
            }
          }
          $("operations").replaceChildren(...tags.values());
          const wanted = location.hash && $(decodeURIComponent(location.hash.slice(1)));
          if (wanted && wanted.tagName === "DETAILS") { wanted.open = true; wanted.scrollIntoView(); }
        }

        $("credential").addEventListener("submit", (event) => event.preventDefault());

        fetch(document.body.dataset.openapi).then((answer) => {
          if (!answer.ok) throw new Error("the description cannot be had: " + answer.status);
          return answer.json();
        }).then(show).catch((error) => {
          $("state").textContent = String(error);
          $("state").className = "error";
        });
        """#
}
