//! Where bytes come from and go to: inputs cut into chunks of whole lines, and the dead-letter file.
