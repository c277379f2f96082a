--[[
Streaming SHA-256 for the draw: the entry file is hashed while it grows, line by line, and every head can be published.
Put in front of `join`; the other scripts read the head that it leaves in the state.
Invariant: chain_head() of a chain is the SHA-256 of all text ever added to it, so that nothing can be added, removed or
moved afterwards without another head: `head -n <lines> entries.txt | sha256sum`.

A chain is one printable value: the eight words after the last whole block (64 hex digits), the bytes hashed so far, and
the bytes that wait for their block to fill (hex), joined by commas.

Returns chain_begin() and chain_add(chain, text) a chain, chain_head(chain) 64 hex digits; adds no keys or arguments.
Cost: no command. O(bytes): about 50 us a block of 64 bytes in Redis's Lua, hence 20 us an entry, and a block or two for
the head.
--]]
local CHAIN_BLOCK = 64
-- Sixteen words, big-endian: one block.
local CHAIN_WORDS = '>' .. string.rep('I4', 16)

-- The numbers of FIPS 180-4: fractional parts of the roots of the first primes. Made on demand: most runs hash nothing.
local function chain_constants()
  return {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  }
end

-- Hashes every whole block of `bytes` into the eight words, in place. `bit` takes a sum modulo 2^32 by itself as long as
-- it stays below 2^51, and no sum of one block passes 2^46: so words are cut to 32 bits once a block, not once a round.
local function chain_compress(words, bytes)
  local bxor, band, ror, shift, tobit = bit.bxor, bit.band, bit.ror, bit.rshift, bit.tobit
  local constants, unpack_words = chain_constants(), struct.unpack
  for from = 1, #bytes - CHAIN_BLOCK + 1, CHAIN_BLOCK do
    local w = { unpack_words(CHAIN_WORDS, bytes, from) }
    for t = 17, 64 do
      local x, y = w[t - 15], w[t - 2]
      w[t] = bxor(ror(x, 7), ror(x, 18), shift(x, 3)) + bxor(ror(y, 17), ror(y, 19), shift(y, 10)) + w[t - 16] + w[t - 7]
    end
    local a, b, c, d, e, f, g, h = unpack(words)
    -- maj(a, b, c) = b xor ((a xor b) and (b xor c)), of which the last was the first of the round before.
    local b_c = bxor(b, c)
    for t = 1, 64 do
      local t1 = h + constants[t] + w[t] + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + bxor(g, band(e, bxor(f, g)))
      local a_b = bxor(a, b)
      local t2 = bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + bxor(b, band(a_b, b_c))
      h, g, f, e, d, c, b, a = g, f, e, d + t1, c, b, a, t1 + t2
      b_c = a_b
    end
    for i, word in ipairs({ a, b, c, d, e, f, g, h }) do
      words[i] = tobit(words[i] + word)
    end
  end
end

local function chain_read(chain)
  local hex, length, waiting = string.match(chain, '^(%x+),(%d+),(%x*)$')
  local words = {}
  for i = 1, 8 do
    words[i] = tonumber(string.sub(hex, 8 * i - 7, 8 * i), 16)
  end
  local bytes = string.gsub(waiting, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end)
  return words, tonumber(length), bytes
end

local function chain_hex(words)
  local hex = {}
  for i = 1, 8 do
    hex[i] = bit.tohex(words[i])
  end
  return table.concat(hex)
end

local function chain_begin()
  return '6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19,0,'
end

local function chain_add(chain, added)
  local words, length, waiting = chain_read(chain)
  local bytes = waiting .. added
  chain_compress(words, bytes)
  local rest = string.sub(bytes, #bytes - #bytes % CHAIN_BLOCK + 1)
  local hex = string.gsub(rest, '.', function(byte) return bit.tohex(string.byte(byte), 2) end)
  return chain_hex(words) .. ',' .. string.format('%.0f', length + #added) .. ',' .. hex
end

-- The end of the text is marked by one bit, zeros up to a whole block, and the length in bits.
local function chain_head(chain)
  local words, length, waiting = chain_read(chain)
  local zeros = (CHAIN_BLOCK - 9 - #waiting) % CHAIN_BLOCK
  local bits = struct.pack('>I4I4', math.floor(length / 2 ^ 29), length * 8 % 2 ^ 32)
  chain_compress(words, waiting .. string.char(128) .. string.rep(string.char(0), zeros) .. bits)
  return chain_hex(words)
end
