//! What the parser tells the user: codes E0001 to E0099.
