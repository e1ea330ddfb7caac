// Starts `batchc lsp` and hands it to the editor. What the language means is the server's business.

const { spawn } = require("node:child_process");
const os = require("node:os");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

/** @type {LanguageClient | undefined} */
let client;

/** Where the settings say that batchc is. */
function command() {
  const path = vscode.workspace.getConfiguration("batchc").get("path") || "batchc";
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  return path.replaceAll("${workspaceFolder}", folder).replace(/^~(?=$|[/\\])/, os.homedir());
}

/** Starts a program and waits for its end: why it could not be started, if so. @returns {Promise<Error | undefined>} */
function reasonAgainst(program) {
  return new Promise((resolve) => {
    const started = spawn(program, ["--version"], { stdio: "ignore" });
    started.on("error", resolve);
    started.on("exit", () => resolve(undefined));
  });
}

async function start() {
  const program = command();
  // The client would say so too, in words of its own, and users would have two messages of one thing.
  const reason = await reasonAgainst(program);
  if (reason) {
    tell(program, reason);
    return;
  }
  const server = { command: program, args: ["lsp"] };
  const selector = [
    { scheme: "file", language: "batch" },
    { scheme: "untitled", language: "batch" },
  ];
  client = new LanguageClient("batchc", "batchc", server, { documentSelector: selector });
  try {
    await client.start();
  } catch (error) {
    tell(program, error);
  }
}

/** Says that the server does not start, and offers the setting that may mend it. Nothing has to wait until that is read. */
async function tell(program, error) {
  const settings = "Open settings";
  const reason = error.code === "ENOENT" ? "it is not there" : error.message;
  const chosen = await vscode.window.showErrorMessage(
    `\`${program} lsp\` does not start: ${reason}. Install batchc, or say where it is by \`batchc.path\`.`,
    settings,
  );
  if (chosen === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "batchc.path");
  }
}

async function stop() {
  const running = client;
  client = undefined;
  // One that did not start, or is gone, has nothing to stop.
  await running?.stop().catch(() => {});
}

async function restart() {
  await stop();
  await start();
}

/** @param {vscode.ExtensionContext} context */
exports.activate = async function (context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("batchc.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) =>
      change.affectsConfiguration("batchc.path") ? restart() : undefined,
    ),
  );
  await start();
};

exports.deactivate = stop;
