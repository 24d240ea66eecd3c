-- wrk's script for more load than can be answered. Arguments behind `--`: the request's body with the card number
-- CARD in it, a seed, and how many milliseconds each connection waits on average between an answer
-- and its next request.

local CARD = "9999999999990001"
local head, tail
local number, step, pause = 0, 7368787, 0
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  math.randomseed(tonumber(args[2]))
  number = math.random(0, 9999999)
  pause = tonumber(args[3])
  local whole = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, args[1])
  local first, last = whole:find(CARD, 1, true)
  head, tail = whole:sub(1, first - 1), whole:sub(last + 1)
  good, refused, wrong = 0, 0, 0
end

function delay()
  -- Around the mean, because connections that are refused together would come together again, and not in between.
  return pause == 0 and 0 or math.random(0, 2 * pause)
end

function request()
  number = (number + step) % 10000000
  return head .. string.format("9%07d%08d", number, math.random(0, 99999999)) .. tail
end

function response(status, headers, answer)
  if status == 200 and answer:find('"balance":', 1, true) and not answer:find('"errors"', 1, true) then
    good = good + 1
  elseif status == 503 and answer:find('"OVERLOADED"', 1, true) and headers["retry-after"] == "1" then
    refused = refused + 1
  elseif status == 200 and answer:find('"OVERLOADED"', 1, true) then
    -- Admitted, but no slot for its call became free in time.
    refused = refused + 1
  else
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local errors, good, refused, wrong = summary.errors, 0, 0, 0
  for _, thread in ipairs(threads) do
    good, refused, wrong = good + thread:get("good"), refused + thread:get("refused"), wrong + thread:get("wrong")
  end
  io.write(string.format(
    '\nRESULT {"microseconds":%d,"good":%d,"refused":%d,"wrong":%d,"failed":%d}\n',
    summary.duration, good, refused, wrong, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
