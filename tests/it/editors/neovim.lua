-- What a person does with a program, and what comes of it, into the file that BATCHC_OUT names.

local lines = {}
local function say(text) table.insert(lines, text) end

local function wait(what, is_done)
  if not vim.wait(20000, is_done, 10) then error("waited in vain for " .. what) end
end

local function text() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") end

-- The cursor onto the n-th place of a piece of text, behind it where `behind`.
local function go(piece, behind)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local from, to = line:find(piece, 1, true)
    if from then
      vim.api.nvim_win_set_cursor(0, { row, behind and to or from - 1 })
      return
    end
  end
  error("there is no " .. piece)
end

local function ask(method, more)
  local params = vim.tbl_extend("force", vim.lsp.util.make_position_params(0, "utf-16"), more or {})
  local answers = assert(vim.lsp.buf_request_sync(0, method, params, 20000))
  local _, answer = next(answers)
  assert(answer and not answer.error, vim.inspect(answer))
  return answer.result
end

local function diagnose(title)
  say("== " .. title)
  for _, one in ipairs(vim.diagnostic.get(0)) do
    say(("%d:%d %s %s"):format(one.lnum + 1, one.col + 1, one.code or one.user_data.lsp.code, (one.message:gsub("\n.*", ""))))
  end
end

-- The findings of a text that is about to be another one.
local function after(change)
  local told = false
  local group = vim.api.nvim_create_augroup("told", {})
  vim.api.nvim_create_autocmd("DiagnosticChanged", { group = group, callback = function() told = true end })
  change()
  wait("findings", function() return told end)
end

local function work()
  say("== open")
  say("filetype " .. vim.bo.filetype .. ", indented by " .. vim.bo.shiftwidth)
  wait("findings", function() return #vim.diagnostic.get(0) > 0 end)
  diagnose("diagnose")

  -- The module's mistake is mended in its own buffer, the word that is not finished here.
  after(function()
    vim.cmd("edit lib/shop.batch")
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { "fn net(x: decimal(12, 2)) -> decimal(14, 2) = x * 2" })
    vim.cmd("silent write")
  end)
  vim.cmd("buffer 1")
  after(function()
    go("nul")
    vim.api.nvim_set_current_line("  filter country is not null")
  end)
  wait("fewer findings", function() return #vim.diagnostic.get(0) < 2 end)
  diagnose("diagnose after two edits")

  say("== complete sum(am│")
  go("sum(am", true)
  local items = ask("textDocument/completion")
  for _, item in ipairs(items.items or items) do
    if vim.startswith(item.label, "am") then
      say(item.label .. "  " .. item.detail)
      after(function() vim.lsp.util.apply_text_edits({ item.textEdit }, 0, "utf-16") end)
    end
  end
  go("total =")
  say(vim.trim(vim.api.nvim_get_current_line()))
  wait("no findings", function() return #vim.diagnostic.get(0) == 0 end)

  say("== hover │group")
  go("group")
  say(ask("textDocument/hover").contents.value)

  say("== definition of total")
  go("total desc")
  local line = vim.api.nvim_win_get_cursor(0)[1]
  vim.lsp.buf.definition()
  wait("the cursor to move", function() return vim.api.nvim_win_get_cursor(0)[1] ~= line end)
  say(vim.trim(vim.api.nvim_get_current_line()))

  say("== rename amount as price")
  go("amount:")
  local before = text()
  vim.lsp.buf.rename("price")
  wait("a change", function() return text() ~= before end)
  for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    if line:find("price") then say(line) end
  end

  say("== format")
  if vim.lsp.buf.format then
    vim.lsp.buf.format({ timeout_ms = 20000 })
  else
    vim.lsp.buf.formatting_sync(nil, 20000)
  end
  say(text())
end

local is_done, problem = pcall(work)
if not is_done then say("FAILED: " .. tostring(problem)) end
vim.fn.writefile(vim.split(table.concat(lines, "\n"), "\n"), vim.env.BATCHC_OUT)
vim.cmd(is_done and "qall!" or "cquit!")
