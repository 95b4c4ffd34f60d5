-- dialect: what HAProxy has no construct for: headers whose names are data, a
-- page of another slot in place of an error, copies of requests.
--
-- All variables are set by the program, txn.inside is the address of the
-- frontend that sends to a slot.  Whatever goes wrong here leaves the
-- answer of the server as it is: none of this is a protection.

local MILLISECONDS = 5000
local PAGE_MAX = 12288      -- A reply must fit into one buffer.
local CLIENTS_MAX = 8192    -- The client's headers go into the same buffer.
local COPIES_MAX = 32       -- At one time, in each thread.

local copies = 0

-- "6:X-Test3:abc": calls f with each name and value.
local function each(text, f)
    local at, words = 1, {}

    while at <= #text do
        local length, begins = text:match("^(%d+):()", at)

        if not length then
            return
        end
        at = begins + tonumber(length)
        words[#words + 1] = text:sub(begins, at - 1)
        if #words == 2 then
            f(words[1], words[2])
            words = {}
        end
    end
end

core.register_action("sallyport_headers", { "http-res" }, function(txn)
    each(txn:get_var("txn.headers"), function(name, value)
        txn.http:res_set_header(name, value)
    end)
end)

core.register_action("sallyport_request_headers", { "http-req" },
    function(txn)
        each(txn:get_var("txn.headers"), function(name, value)
            txn.http:req_set_header(name, value)
        end)
    end)

core.register_action("sallyport_hide", { "http-res" }, function(txn)
    for name in txn:get_var("txn.hidden"):gmatch("[^, ]+") do
        txn.http:res_del_header(name)
    end
end)

local told = {
    ["x-code"] = "xcode", ["x-format"] = "xformat",
    ["x-original-uri"] = "xuri", ["x-namespace"] = "xns",
    ["x-ingress-name"] = "xing", ["x-service-name"] = "xsvc",
    ["x-service-port"] = "xport", ["x-request-id"] = "xid",
    ["host"] = "host", ["x-sallyport-slot"] = "xslot",
    ["x-sallyport-owner"] = "xowner",
}

-- Of one connection, not of the page.
local hops = {
    ["connection"] = true, ["content-length"] = true, ["keep-alive"] = true,
    ["transfer-encoding"] = true, ["upgrade"] = true, ["server"] = true,
    ["x-sallyport-name"] = true, ["x-sallyport-ours"] = true,
}

-- Conditions and ranges are of the answer that is not given.
local unasked = {
    ["expect"] = true, ["range"] = true, ["te"] = true, ["trailer"] = true,
    ["proxy-connection"] = true,
}

-- What the client sent, as far as there is room.
local function clients(text)
    local headers, room = {}, CLIENTS_MAX

    for name, value in (text or ""):gmatch("([^:\r\n]+): ?([^\r\n]*)\r\n") do
        local size = #name + #value + 4

        if size <= room and not hops[name] and not unasked[name] and
            not name:find("^if%-") and not name:find("^x%-sallyport%-") then
            headers[name] = headers[name] or {}
            table.insert(headers[name], value)
            room = room - size
        end
    end
    return headers
end

core.register_action("sallyport_page", { "http-res" }, function(txn)
    local headers = clients(txn:get_var("txn.xheaders"))

    for name, variable in pairs(told) do
        local value = txn:get_var("txn." .. variable)

        if value then
            headers[name] = { tostring(value) }
        end
    end
    headers["x-sallyport-worker"] = { tostring(txn:get_var("proc.worker")) }
    local answer = core.httpclient():get {
        url = "http://inside/", dst = txn:get_var("txn.inside"), headers = headers,
        timeout = MILLISECONDS,
    }
    if not answer or not answer.status or answer.status < 200 or
        #(answer.body or "") > PAGE_MAX or
        (answer.headers or {})["x-sallyport-other"] then
        return
    end
    local reply = txn:reply { status = answer.status }

    for name, values in pairs(answer.headers or {}) do
        for _, value in pairs(hops[name] and {} or values) do
            reply:add_header(name, value)
        end
    end
    reply:set_body(answer.body or "")
    txn:done(reply)
end)

local methods = { GET = "get", HEAD = "head", POST = "post", PUT = "put",
                  DELETE = "delete" }

local function send(method, request)
    local ok, why = pcall(function()
        local client = core.httpclient()

        client[method](client, request)
    end)

    copies = copies - 1
    if not ok then
        core.Warning("a copy was not sent: " .. tostring(why))
    end
end

core.register_action("sallyport_copy", { "http-req" }, function(txn)
    local method = methods[txn.f:method()]
    local length = tonumber(txn.f:req_fhdr("content-length") or "0") or 0
    local chunked = txn.f:req_fhdr("transfer-encoding")
    local body = txn:get_var("txn.ybody") and txn.f:req_body() or ""

    if not method or copies >= COPIES_MAX then
        return
    end
    if txn:get_var("txn.ybody") and (#body < length or
        (chunked and txn.f:req_body_len() ~= txn.f:req_body_size())) then
        return
    end
    local headers = {}

    for name, values in pairs(txn.http:req_get_headers()) do
        if not hops[name] then
            headers[name] = {}
            for _, value in pairs(values) do
                table.insert(headers[name], value)
            end
        end
    end
    headers["host"] = { txn:get_var("txn.yhost") }
    headers["x-sallyport-slot"] = { txn:get_var("txn.yslot") }
    headers["x-sallyport-owner"] = { txn:get_var("txn.yowner") or "" }
    headers["x-sallyport-worker"] = { tostring(txn:get_var("proc.worker")) }
    local request = {
        url = "http://inside" .. txn:get_var("txn.yuri"), dst = txn:get_var("txn.inside"),
        headers = headers, timeout = MILLISECONDS,
    }
    if #body > 0 then
        request.body = body
    end
    copies = copies + 1
    core.register_task(function() send(method, request) end)
end)
