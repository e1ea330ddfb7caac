// Line ends: which of them separate statements. The same decisions as src/syntax/layout/lines.rs of
// the compiler; where no line end is asked for, as within parentheses, it is white space. And shares,
// which end with a sign that may be an operator too.

#include "tree_sitter/parser.h"

#include <string.h>

// ROW_LINE is the line end before a row of a table.
enum TokenType { NEWLINE, ROW_LINE, PERCENT };

void *tree_sitter_batch_external_scanner_create(void) { return NULL; }
void tree_sitter_batch_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_batch_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload;
  (void)buffer;
  return 0;
}
void tree_sitter_batch_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  (void)payload;
  (void)buffer;
  (void)length;
}

static bool is_blank(int32_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static bool is_word(int32_t c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static void skip_blanks(TSLexer *lexer) {
  while (is_blank(lexer->lookahead)) lexer->advance(lexer, false);
}

// Reads a word; what is longer than any of ours is cut.
static void read_word(TSLexer *lexer, char word[16]) {
  unsigned length = 0;
  for (; is_word(lexer->lookahead); lexer->advance(lexer, false)) {
    if (length < 15) word[length++] = lexer->lookahead < 0x80 ? (char)lexer->lookahead : '?';
  }
  word[length] = 0;
}

static bool is_one_of(const char *word, const char *const *words) {
  for (; *words; words++) {
    if (strcmp(word, *words) == 0) return true;
  }
  return false;
}

// Does the line whose first character is ahead go on the one before it?
static bool goes_on(TSLexer *lexer) {
  static const char *const leading[] = {"and", "or", "is", "in", "between", "matches", "as", "then", NULL};
  static const char *const behind_not[] = {"in", "between", "matches", NULL};
  int32_t first = lexer->lookahead;
  char word[16];
  switch (first) {
    case '{': case '+': case '*': case '/': case '%': case '<': case '>':
      return true;
    case '-': case '=': case '!': case '?':
      lexer->advance(lexer, false);
      if (first == '-') return lexer->lookahead != '-' && lexer->lookahead != '>';
      return lexer->lookahead == (first == '?' ? '?' : '=');
    default:
      break;
  }
  if (!is_word(first)) return false;
  read_word(lexer, word);
  if (is_one_of(word, leading)) return true;
  if (strcmp(word, "not") == 0) {
    skip_blanks(lexer);
    read_word(lexer, word);
    return is_one_of(word, behind_not);
  }
  if (strcmp(word, "else") == 0) {
    skip_blanks(lexer);
    if (lexer->lookahead != '=') return true;
    lexer->advance(lexer, false);
    return lexer->lookahead != '>';
  }
  return false;
}

static bool is_digit(int32_t c) { return c >= '0' && c <= '9'; }

static void skip_digits(TSLexer *lexer) {
  while (is_digit(lexer->lookahead) || lexer->lookahead == '_') lexer->advance(lexer, false);
}

// `10%`, unless an operand follows at once: `10%3` is a remainder.
static bool scan_percent(TSLexer *lexer) {
  skip_digits(lexer);
  if (lexer->lookahead == '.') {
    lexer->advance(lexer, false);
    if (!is_digit(lexer->lookahead)) return false;
    skip_digits(lexer);
  }
  if (lexer->lookahead != '%') return false;
  lexer->advance(lexer, false);
  lexer->mark_end(lexer);
  lexer->result_symbol = PERCENT;
  return !is_word(lexer->lookahead) && lexer->lookahead != '(';
}

bool tree_sitter_batch_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid_symbols) {
  (void)payload;
  while (is_blank(lexer->lookahead)) lexer->advance(lexer, true);
  if (is_digit(lexer->lookahead)) return valid_symbols[PERCENT] && scan_percent(lexer);
  if (!valid_symbols[NEWLINE] && !valid_symbols[ROW_LINE]) return false;
  if (lexer->lookahead != '\n') return false;
  lexer->advance(lexer, false);
  lexer->mark_end(lexer);
  lexer->result_symbol = NEWLINE;
  // Comments and empty lines say nothing.
  for (;;) {
    while (is_blank(lexer->lookahead) || lexer->lookahead == '\n') lexer->advance(lexer, false);
    if (lexer->lookahead != '#') break;
    while (lexer->lookahead != '\n' && !lexer->eof(lexer)) lexer->advance(lexer, false);
  }
  // Before the end of a block nothing needs to be separated.
  if (lexer->eof(lexer) || lexer->lookahead == '}') return false;
  if (lexer->lookahead == '|' && valid_symbols[ROW_LINE]) {
    lexer->result_symbol = ROW_LINE;
    return true;
  }
  return valid_symbols[NEWLINE] && !goes_on(lexer);
}
