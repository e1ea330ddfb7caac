-- Programs of batchc: two blanks of indentation, and the language server. `vim.g.batchc_path` says
-- where batchc is, if not in PATH.

if vim.b.did_ftplugin then return end
vim.b.did_ftplugin = 1

vim.bo.commentstring = "# %s"
vim.bo.comments = ":##,:#"
vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.bo.softtabstop = 2

local path = vim.g.batchc_path or "batchc"
if vim.fn.executable(path) == 0 then
  vim.notify("batchc: `" .. path .. "` cannot be run; vim.g.batchc_path says where it is", vim.log.levels.WARN)
  return
end

-- A module is a file below the folder with `.git`, or else that of the program.
local folder = vim.fn.expand("%:p:h")
local git = vim.fn.finddir(".git", vim.fn.escape(folder, " ,;\\") .. ";")
local root = git == "" and folder or vim.fn.fnamemodify(git, ":p:h:h")
local config = { name = "batchc", cmd = { path, "lsp" }, root_dir = root }

if vim.lsp.start then
  vim.lsp.start(config)
else
  -- Before version 0.8: one server for each root, by hand.
  local running = vim.tbl_filter(function(client)
    return client.name == "batchc" and client.config.root_dir == root
  end, vim.lsp.get_active_clients())
  local client = running[1] and running[1].id or vim.lsp.start_client(config)
  if client then vim.lsp.buf_attach_client(0, client) end
end
