import type { SubmitEvent } from "react";

import { changeViewer } from "./client";
import { wasRefused } from "./session";

async function submit(event: SubmitEvent<HTMLFormElement>) {
  event.preventDefault();
  await changeViewer(String(new FormData(event.currentTarget).get("token")).trim());
}

/** Stands for your sign-in, which gets the token from your identity provider. */
export function SignIn() {
  return (
    <form onSubmit={submit}>
      <p>{wasRefused() && "The token is not valid, or has expired. "}Please sign in.</p>
      <label>
        Token, from <code>konagraph token --member 2005</code>
        <input name="token" type="password" autoComplete="off" required />
      </label>
      <button>Sign in</button>
    </form>
  );
}
