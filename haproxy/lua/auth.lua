-- auth: asks sallyport-auth whether a request may pass.
--
-- HAProxy's own userlist is text of the configuration and knows neither apr1
-- nor digest; hence one question over a unix socket.  The program sets
-- txn.auth to "down" before and reads it after: whatever goes wrong here, an
-- error of Lua too, leaves it there and the request is refused.
--
-- The question is six fields of two bytes of length and that many bytes,
-- the answer one line (auth/wire.h).

local SECONDS = 5           -- Longer than the daemon's own deadline.
local FIELD_MAX = 65535

local function question(txn)
    local fields = {
        txn:get_var("txn.atable"), txn:get_var("txn.agroup"),
        txn:get_var("txn.arealm"), txn.f:method(), txn.f:pathq(),
        txn.f:req_fhdr("authorization"),
    }
    local out = {}

    for i = 1, 6 do
        local text = fields[i] or ""

        if #text > FIELD_MAX then
            return nil
        end
        out[i] = string.pack(">s2", text)
    end
    return table.concat(out)
end

local function ask(txn, address)
    local text = question(txn)
    local socket = core.tcp()

    socket:settimeout(SECONDS)
    if text and socket:connect(address) and socket:send(text) then
        local answer = socket:receive("*l")

        if answer then
            txn:set_var("txn.auth", answer)
        end
    end
    socket:close()
end

core.register_action("sallyport_auth", { "http-req" }, ask, 1)
