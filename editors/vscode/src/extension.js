// Starts `batchc lsp` and hands it to the editor. What the language means is the server's business.

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

async function start() {
  const program = command();
  const server = { command: program, args: ["lsp"] };
  const selector = [
    { scheme: "file", language: "batch" },
    { scheme: "untitled", language: "batch" },
  ];
  client = new LanguageClient("batchc", "batchc", server, { documentSelector: selector });
  try {
    await client.start();
  } catch (error) {
    const settings = "Open settings";
    const reason = error?.message ? `: ${error.message}` : "";
    const chosen = await vscode.window.showErrorMessage(
      `\`${program} lsp\` does not start${reason}. Install batchc, or say where it is by \`batchc.path\`.`,
      settings,
    );
    if (chosen === settings) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "batchc.path");
    }
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
