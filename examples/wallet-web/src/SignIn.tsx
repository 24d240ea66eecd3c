import { useApolloClient } from "@apollo/client/react";
import type { SubmitEvent } from "react";

import { setToken } from "./session";

/** Stands for your sign-in, which gets the token from your identity provider. */
export function SignIn() {
  const client = useApolloClient();
  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    setToken(String(new FormData(event.currentTarget).get("token")).trim());
    // Forgets what the viewer before has seen, and asks again.
    client.resetStore().catch(() => undefined);
  }
  return (
    <form onSubmit={submit}>
      <p>Please sign in.</p>
      <label>
        Token, from <code>konagraph token</code>
        <input name="token" type="password" autoComplete="off" required />
      </label>
      <button>Sign in</button>
    </form>
  );
}
