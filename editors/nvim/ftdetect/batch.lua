vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  pattern = "*.batch",
  callback = function() vim.bo.filetype = "batch" end,
})
