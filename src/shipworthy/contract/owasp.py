"""The OWASP lists a threat may refer to, as `id|title`. Ids and titles only; each list names the state it is of.

Sources, all of the OWASP Foundation under CC BY-SA 4.0: `www-project-top-10-for-large-language-model-applications`
(folder `2_0_vulns`, edition 2025), `www-project-machine-learning-security-top-10` (folder `docs`, edition 2023, a draft
still: ML10 was renamed) and `www-project-ai-testing-guide` (folder `Document/content/tests`, version 1).
"""

LLM_COMMIT = "020595761a4b7b0c3f9cf01a0457b78f9f1e7f9c"
LLM = """\
LLM01:2025|Prompt Injection
LLM02:2025|Sensitive Information Disclosure
LLM03:2025|Supply Chain
LLM04:2025|Data and Model Poisoning
LLM05:2025|Improper Output Handling
LLM06:2025|Excessive Agency
LLM07:2025|System Prompt Leakage
LLM08:2025|Vector and Embedding Weaknesses
LLM09:2025|Misinformation
LLM10:2025|Unbounded Consumption
"""
ML_COMMIT = "f0b0ed240c4d367ce483ab2ed2edf3563a5d29b9"
ML = """\
ML01:2023|Input Manipulation Attack
ML02:2023|Data Poisoning Attack
ML03:2023|Model Inversion Attack
ML04:2023|Membership Inference Attack
ML05:2023|Model Theft
ML06:2023|ML Supply Chain Attacks
ML07:2023|Transfer Learning Attack
ML08:2023|Model Skewing
ML09:2023|Output Integrity Attack
ML10:2023|Model Poisoning
"""
AITG_COMMIT = "3d9bf8312b672298ab4c8d127f3d5aa1a98d7006"
AITG = """\
AITG-APP-01|Testing for Prompt Injection
AITG-APP-02|Testing for Indirect Prompt Injection
AITG-APP-03|Testing for Sensitive Data Leak
AITG-APP-04|Testing for Input Leakage
AITG-APP-05|Testing for Unsafe Outputs
AITG-APP-06|Testing for Agentic Behavior Limits
AITG-APP-07|Testing for Prompt Disclosure
AITG-APP-08|Testing for Embedding Manipulation
AITG-APP-09|Testing for Model Extraction
AITG-APP-10|Testing for Content Bias
AITG-APP-11|Testing for Hallucinations
AITG-APP-12|Testing for Toxic Output
AITG-APP-13|Testing for Over-Reliance on AI
AITG-APP-14|Testing for Explainability and Interpretability
AITG-DAT-01|Testing for Training Data Exposure
AITG-DAT-02|Testing for Runtime Exfiltration
AITG-DAT-03|Testing for Dataset Diversity & Coverage
AITG-DAT-04|Testing for Harmful Content in Data
AITG-DAT-05|Testing for Data Minimization & Consent
AITG-INF-01|Testing for Supply Chain Tampering
AITG-INF-02|Testing for Resource Exhaustion
AITG-INF-03|Testing for Plugin Boundary Violations
AITG-INF-04|Testing for Capability Misuse
AITG-INF-05|Testing for Fine-tuning Poisoning
AITG-INF-06|Testing for Dev-Time Model Theft
AITG-MOD-01|Testing for Evasion Attacks
AITG-MOD-02|Testing for Runtime Model Poisoning
AITG-MOD-03|Testing for Poisoned Training Sets
AITG-MOD-04|Testing for Membership Inference
AITG-MOD-05|Testing for Inversion Attacks
AITG-MOD-06|Testing for Robustness to New Data
AITG-MOD-07|Testing for Goal Alignment
"""
