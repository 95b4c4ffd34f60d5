-- ask: asks an authentication service whether a request may pass.
--
-- HAProxy has no construct for a request about a request.  The program sets
-- txn.verdict to "503" before and reads it after: whatever goes wrong here, an
-- error of Lua too, leaves it there and the request is refused.
--
-- The question is HTTP on a unix socket of ours: "inside" sends it to the slot
-- of a Service, "self" to whom the host belongs here, else to the slot of that
-- name elsewhere.  core.httpclient would read a body without end, and knows
-- silence but no deadline; here only the head of an answer is read, of which
-- HAProxy has bounded size and count.
--
-- txn.ask is what the policy says: LENGTH:NAME LENGTH:VALUE, without blanks.

local DEADLINE = 10000      -- Milliseconds of one question, at most.
local ASKING_MAX = 512      -- Of one policy at one time, in each thread.
-- In each thread; tune.lua.maxmem is of all together.
local SPECS_BYTES = 1 << 19 -- Of policies that were read.
local KEPT_MAX = 256        -- Answers of one policy that are remembered;
local KEPT_BYTES = 4096     -- of one, headers and key;
local KEPT_ALL = 1 << 20    -- of all.
local KEPT_COST = 512       -- What one takes beside them.
local COPIED_BYTES = 8000   -- Of headers that a server gets.
local LATE_MS = 50          -- A timer may end a little early.
local INTERIM_MAX = 8       -- Answers before the answer.
local NOTED_MAX = 64        -- Hosts of which is told that nobody answers.
local NOTED_MS = 60000      -- One that had its answers so long makes room.

local specs, specs_bytes = {}, 0
local asking = {}
local kept, kept_bytes = {}, 0
local noted, n_noted, others = {}, 0, { key = "- -", at = 0, count = 0 }

local function now()
    local t = core.now()

    return t.sec * 1000 + math.floor(t.usec / 1000)
end

local function each(text, f)
    local at, name = 1, nil

    while at <= #text do
        local length, begins = text:match("^(%d+):()", at)

        at = begins + tonumber(length)
        if name then
            f(name, text:sub(begins, at - 1))
            name = nil
        else
            name = text:sub(begins, at - 1)
        end
    end
end

local function read_spec(text, more)
    local spec = { headers = {}, more = {}, keep = {} }

    each(text, function(name, value) spec[name] = value end)
    for name in (spec.copied or ""):gmatch("[^, ]+") do
        spec.headers[#spec.headers + 1] = name:lower()
    end
    for status, seconds in (spec.keeping or ""):gmatch("(%d+):(%d+)") do
        spec.keep[tonumber(status)] = tonumber(seconds) * 1000
    end
    each(more or "", function(name, value)
        spec.more[#spec.more + 1] = { name, value }
    end)
    return spec
end

-- A route id is made of the rows, so that one never changes.
local function spec_of(txn)
    local rid = txn:get_var("txn.rid")

    if not specs[rid] then
        local text, more = txn:get_var("txn.ask"), txn:get_var("txn.askset")

        if specs_bytes > SPECS_BYTES then
            specs, specs_bytes = {}, 0
        end
        specs[rid] = read_spec(text, more)
        specs_bytes = specs_bytes + #text + #(more or "")
    end
    return rid, specs[rid]
end

-- Variables of nginx ----------------------------------------------------

local function escape(c)
    return string.format("%%%02X", c:byte())
end

local plain = {
    host = function(txn) return txn:get_var("txn.host") end,
    http_host = function(txn) return txn.f:req_fhdr("host") end,
    scheme = function(txn) return txn:get_var("txn.scheme") end,
    request_uri = function(txn) return txn.f:pathq() end,
    escaped_request_uri = function(txn)
        return (txn.f:pathq():gsub("[^%w%-._~]", escape))
    end,
    uri = function(txn) return txn:get_var("txn.path") end,
    args = function(txn) return txn.f:query() end,
    request_method = function(txn) return txn.f:method() end,
    remote_addr = function(txn) return txn.f:src() end,
    remote_user = function(txn) return txn.f:http_auth_user() end,
    server_port = function(txn)
        return txn.f:req_fhdr("x-forwarded-port")
    end,
    request_id = function(txn) return txn.f:req_fhdr("x-request-id") end,
}
plain.server_name = plain.host
plain.pass_access_scheme = plain.scheme
plain.pass_server_port = plain.server_port
plain.document_uri = plain.uri
plain.query_string = plain.args
plain.the_real_ip = plain.remote_addr
plain.req_id = plain.request_id

local function among(text, name, from, to)
    local all = from .. (text or ""):gsub("%s", "") .. to
    local found = all:find(from .. name .. "=", 1, true)

    return found and
        all:match("^([^" .. to .. "]*)", found + #from + #name + 1)
end

local function value_of(txn, name)
    local get = plain[name]

    if get then
        return get(txn)
    end
    local kind, rest = name:match("^(%l+)_(.+)$")

    if kind == "http" then
        return txn.f:req_fhdr((rest:gsub("_", "-")))
    elseif kind == "cookie" then
        return among(txn.f:req_fhdr("cookie"), rest, ";", ";")
    elseif kind == "arg" then
        return among(txn.f:query(), rest, "&", "&")
    end
end

-- What a request brings along is bytes of a URL, whatever it was.
local function as_url(value)
    return (value:gsub("[^!#$%%&'()*+,%-./%w:;=?@%[%]_~]", escape))
end

-- In a key no two requests look alike because their values join up.
local function as_key(value)
    return #value .. ":" .. value
end

local function fill(txn, text, as)
    return (text:gsub("%$({?)([%w_]+)(}?)", function(_, name)
        return as(tostring(value_of(txn, name) or ""))
    end))
end

-- The question ----------------------------------------------------------

-- Of a connection, of a body, or ours to say.
local left_out = {
    ["connection"] = true, ["content-length"] = true, ["keep-alive"] = true,
    ["transfer-encoding"] = true, ["upgrade"] = true, ["te"] = true,
    ["trailer"] = true, ["expect"] = true, ["proxy-connection"] = true,
    ["host"] = true, ["x-forwarded-proto"] = true, ["x-original-url"] = true,
    ["x-original-uri"] = true, ["x-original-method"] = true,
    ["x-sent-from"] = true, ["x-auth-request-redirect"] = true,
}

local function question(txn, spec)
    local url = plain.scheme(txn) .. "://" ..
        (plain.http_host(txn) or "") .. txn.f:pathq()
    local out = {
        (spec.method or "GET") .. " " .. fill(txn, spec.url, as_url) ..
            " HTTP/1.1",
        "host: " .. fill(txn, spec.host, as_url),
        "connection: close",
        "x-original-url: " .. as_url(url),
        "x-original-uri: " .. as_url(txn.f:pathq()),
        "x-original-method: " .. as_url(txn.f:method()),
        "x-sent-from: sallyport",
        "x-auth-request-redirect: " ..
            fill(txn, spec.redirect or "$request_uri", as_url),
    }
    local ours = {}

    if spec.name then
        out[#out + 1] = "x-sallyport-name: " .. spec.name
    end
    if spec.own then
        out[#out + 1] = "x-sallyport-own: 1"
    end
    if txn:get_var("txn.askslot") then
        out[#out + 1] = "x-sallyport-slot: " .. txn:get_var("txn.askslot")
        out[#out + 1] = "x-sallyport-owner: " ..
            (txn:get_var("txn.askowner") or "")
    end
    out[#out + 1] = "x-sallyport-worker: " .. txn:get_var("proc.worker")
    if spec.method == "POST" or spec.method == "PUT" or
        spec.method == "PATCH" then
        out[#out + 1] = "content-length: 0"
    end
    for _, pair in ipairs(spec.more) do
        ours[pair[1]:lower()] = true
        out[#out + 1] = pair[1] .. ": " .. pair[2]
    end
    for name, values in pairs(txn.http:req_get_headers()) do
        if not left_out[name] and not ours[name] and
            name:sub(1, 12) ~= "x-sallyport-" then
            for _, value in pairs(values) do
                out[#out + 1] = name .. ": " .. value
            end
        end
    end
    return table.concat(out, "\r\n") .. "\r\n\r\n"
end

-- "self" judges by the client's address, and is told it as a proxy would.
local function first_line(txn, spec)
    local address = tostring(txn.f:src() or "")

    if spec.via ~= "self" then
        return ""
    elseif address:find(":", 1, true) then
        return "PROXY TCP6 " .. address .. " ::1 1 1\r\n"
    end
    return "PROXY TCP4 " .. address .. " 127.0.0.1 1 1\r\n"
end

-- One head of an answer: status and headers; nil and why where there is none.
local function read_head(socket, ends)
    local status, headers = nil, {}

    while true do
        local left = ends - now()

        if left <= 0 then
            return nil, "late"
        end
        socket:settimeout(left / 1000)
        local line = socket:receive("*l")

        if not line then
            return nil, now() + LATE_MS >= ends and "late" or "bad"
        elseif not status then
            status = tonumber(line:match("^HTTP/1%.%d (%d%d%d)"))
            if not status then
                return nil, "bad"
            end
        elseif line == "" then
            return status, headers
        else
            local name, value = line:match("^([^:]+): ?(.*)$")

            if name then
                name = name:lower()
                headers[name] = headers[name] or {}
                table.insert(headers[name], value)
            end
        end
    end
end

local function exchange(txn, spec, run)
    local socket = core.tcp()
    local ends = now() + (tonumber(spec.ms) or DEADLINE)
    local text = first_line(txn, spec) .. question(txn, spec)
    local status, headers = nil, "down"

    socket:settimeout((ends - now()) / 1000)
    if socket:connect(run .. "/" .. spec.via .. ".sock") and
        socket:send(text) then
        for _ = 1, INTERIM_MAX do
            status, headers = read_head(socket, ends)
            if not status or status >= 200 then
                break
            end
        end
    end
    socket:close()
    return status, headers
end

-- What is remembered ----------------------------------------------------

local function recall(rid, key)
    local answer = kept[rid] and kept[rid].answers[key]

    if answer and now() < answer.ends then
        return answer
    end
end

local function is_kept(spec, answer, key)
    local control = table.concat(answer.headers["cache-control"] or {}, ",")

    control = control:lower()
    return spec.keep[answer.status] and
        answer.bytes + #key <= KEPT_BYTES and
        not answer.headers["set-cookie"] and
        not control:find("no-store", 1, true) and
        not control:find("no-cache", 1, true) and
        not control:find("private", 1, true)
end

local function remember(rid, key, spec, answer)
    if kept_bytes > KEPT_ALL then
        kept, kept_bytes = {}, 0
    end
    local of = kept[rid]

    if not of or of.n >= KEPT_MAX then
        kept_bytes = kept_bytes - (of and of.bytes or 0)
        of = { n = 0, bytes = 0, answers = {} }
        kept[rid] = of
    end
    if not of.answers[key] then
        local bytes = answer.bytes + #key + KEPT_COST

        of.n, of.bytes = of.n + 1, of.bytes + bytes
        kept_bytes = kept_bytes + bytes
    end
    answer.ends = now() + spec.keep[answer.status]
    of.answers[key] = answer
end

-- Only headers that are of use later.
local function answer_of(spec, status, headers)
    local answer = { status = status, headers = {}, bytes = 0 }

    local function take(name)
        for _, value in ipairs(headers[name] or {}) do
            answer.bytes = answer.bytes + #name + #value
        end
        answer.headers[name] = headers[name]
    end
    for _, name in ipairs(spec.headers) do
        if not answer.headers[name] then
            take(name)
        end
    end
    for _, name in ipairs { "set-cookie", "www-authenticate",
                            "cache-control" } do
        if not answer.headers[name] then
            take(name)
        end
    end
    return answer
end

-- An answer of HAProxy's in place of a server's; without a connection to a
-- server each of them is "down".
local ours = { [502] = "bad", [503] = "down", [504] = "late" }

local function why_ours(status, values)
    if not values or not ours[status] then
        return nil
    end
    return values[1] == "down" and "down" or ours[status]
end

-- The answer; nil and why where there is none.
local function ask(txn, rid, spec, run)
    local key = spec.key and fill(txn, spec.key, as_key)
    -- A key without any value would be everybody's.
    local has_key = key and key ~= fill(txn, spec.key, function()
        return as_key("")
    end)
    local answer = has_key and recall(rid, key)

    if answer then
        return answer
    end
    if (asking[rid] or 0) >= ASKING_MAX then
        return nil, "full"
    elseif spec.via == "inside" and not txn:get_var("txn.askslot") then
        return nil, "down"
    end
    asking[rid] = (asking[rid] or 0) + 1
    local ok, status, headers = pcall(exchange, txn, spec, run)

    asking[rid] = asking[rid] > 1 and asking[rid] - 1 or nil
    if not ok then
        core.Warning("a question was not asked: " .. tostring(status))
    end
    if not ok or not status then
        return nil, ok and headers or "bad"
    end
    answer = answer_of(spec, status, headers)
    answer.why = why_ours(status, headers["x-sallyport-ours"])
    if has_key and is_kept(spec, answer, key) then
        remember(rid, key, spec, answer)
    end
    return answer
end

-- What is told of those who give no verdict -------------------------------

local function row_of(key)
    if noted[key] then
        return noted[key]
    elseif n_noted < NOTED_MAX then
        n_noted = n_noted + 1
        noted[key] = { key = key, at = n_noted, count = 0 }
        return noted[key]
    end
    for _, old in pairs(noted) do
        if now() - old.ms >= NOTED_MS then
            noted[old.key] = nil
            noted[key] = { key = key, at = old.at, count = 0 }
            return noted[key]
        end
    end
    return others
end

-- A row of unanswered.map for each host and question, of which there are a
-- bounded number; it is read and counted by who made the policies.
local function note(txn, spec, why, run)
    local host = txn:get_var("txn.vhost") or txn:get_var("txn.host") or ""
    local row = row_of(spec.id .. " " .. (host == "" and "." or host))

    row.count, row.ms = row.count + 1, now()
    core.set_map(run:gsub("^unix@", "") .. "/maps/unanswered.map",
        core.thread .. "." .. row.at, string.format("%d %s %d %s",
        row.count, why, row.ms // 1000, row.key))
end

-- What comes of it ------------------------------------------------------

local function refuse(txn, spec, answer, status, location)
    local reply = txn:reply { status = status }

    for _, value in ipairs(answer.headers["www-authenticate"] or {}) do
        if status == 401 then
            reply:add_header("WWW-Authenticate", value)
        end
    end
    for _, value in ipairs(answer.headers["set-cookie"] or {}) do
        if location or spec.always then
            reply:add_header("Set-Cookie", value)
        end
    end
    if location then
        reply:add_header("Location", location)
    else
        reply:add_header("Content-Type", "text/plain")
        reply:set_body(status .. " - the authentication service refuses " ..
                       "this request\n")
    end
    txn:done(reply)
end

-- The server gets these from the service, and from nobody else.
local function copy(txn, spec, answer)
    local bytes = 0

    for _, name in ipairs(spec.headers) do
        for _, value in ipairs(answer.headers[name] or {}) do
            bytes = bytes + #name + #value
            if bytes > COPIED_BYTES or
                txn.http:req_add_header(name, value) == false then
                return false
            end
        end
    end
    return true
end

local function note_cookies(txn, spec, answer)
    local out = {}

    for _, value in ipairs(answer.headers["set-cookie"] or {}) do
        out[#out + 1] = #value .. ":" .. value
    end
    if #out > 0 then
        txn:set_var("txn.askcookies", table.concat(out))
        txn:set_var("txn.askalways", spec.always or "0")
    end
end

core.register_action("sallyport_ask", { "http-req" }, function(txn, run)
    local rid, spec = spec_of(txn)

    if txn:get_var("txn.pass") then
        for _, name in ipairs(spec.headers) do
            txn.http:req_del_header(name)
        end
        txn:set_var("txn.verdict", "ok")
        return
    end
    local answer, why = ask(txn, rid, spec, run)
    local status = answer and answer.status or 503

    if status == 401 and spec.signin then
        refuse(txn, spec, answer, 302, fill(txn, spec.signin, as_url))
    elseif status == 401 or status == 403 then
        refuse(txn, spec, answer, status)
    elseif status >= 200 and status < 300 then
        for _, name in ipairs(spec.headers) do
            txn.http:req_del_header(name)
        end
        if copy(txn, spec, answer) then
            note_cookies(txn, spec, answer)
            txn:set_var("txn.verdict", "ok")
            return
        end
        why = "bad"
    elseif status < 500 then
        txn:set_var("txn.verdict", "500")
    end
    note(txn, spec, why or answer.why or tostring(status), run)
end, 1)

core.register_action("sallyport_ask_cookies", { "http-res" }, function(txn)
    local text, at = txn:get_var("txn.askcookies"), 1
    local status = txn.f:status()

    if txn:get_var("txn.askalways") ~= "1" and
        (status < 200 or status >= 400) then
        return
    end
    while at <= #text do
        local length, begins = text:match("^(%d+):()", at)

        at = begins + tonumber(length)
        txn.http:res_add_header("Set-Cookie", text:sub(begins, at - 1))
    end
end)
