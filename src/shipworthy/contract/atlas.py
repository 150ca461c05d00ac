"""ATLAS, trimmed to ids, names, tactics and maturity. By `tests/contract/trim_catalogues.py`: do not edit.

Source: MITRE ATLAS data, file `dist/ATLAS.yaml`, licensed under Apache-2.0, copyright 2021-2025 MITRE. The file of tag
5.6.1 calls itself 5.6.0. One line an entry: a tactic or mitigation is `id|name`, a technique
`id|tactics|maturity|name`; a subtechnique has the tactics of its technique, and its name follows that of its technique.
"""

VERSION = "5.6.0"
SAME = ("5.6.1",)
SHA256 = "8a5693df51135721796607b8f29cba8ed33d745d5592ed80efbaaab0fba978f2"
TACTICS = """\
AML.TA0000|AI Model Access
AML.TA0001|AI Attack Staging
AML.TA0002|Reconnaissance
AML.TA0003|Resource Development
AML.TA0004|Initial Access
AML.TA0005|Execution
AML.TA0006|Persistence
AML.TA0007|Defense Evasion
AML.TA0008|Discovery
AML.TA0009|Collection
AML.TA0010|Exfiltration
AML.TA0011|Impact
AML.TA0012|Privilege Escalation
AML.TA0013|Credential Access
AML.TA0014|Command and Control
AML.TA0015|Lateral Movement
"""
TECHNIQUES = """\
AML.T0000|AML.TA0002|demonstrated|Search Open Technical Databases
AML.T0000.000|AML.TA0002|feasible|Search Open Technical Databases: Journals and Conference Proceedings
AML.T0000.001|AML.TA0002|demonstrated|Search Open Technical Databases: Pre-Print Repositories
AML.T0000.002|AML.TA0002|feasible|Search Open Technical Databases: Technical Blogs
AML.T0001|AML.TA0002|demonstrated|Search Open AI Vulnerability Analysis
AML.T0002|AML.TA0003|realized|Acquire Public AI Artifacts
AML.T0002.000|AML.TA0003|demonstrated|Acquire Public AI Artifacts: Datasets
AML.T0002.001|AML.TA0003|demonstrated|Acquire Public AI Artifacts: Models
AML.T0002.002|AML.TA0003|demonstrated|Acquire Public AI Artifacts: AI Agent Configuration
AML.T0003|AML.TA0002|demonstrated|Search Victim-Owned Websites
AML.T0004|AML.TA0002|demonstrated|Search Application Repositories
AML.T0005|AML.TA0001|demonstrated|Create Proxy AI Model
AML.T0005.000|AML.TA0001|demonstrated|Create Proxy AI Model: Train Proxy via Gathered AI Artifacts
AML.T0005.001|AML.TA0001|demonstrated|Create Proxy AI Model: Train Proxy via Replication
AML.T0005.002|AML.TA0001|feasible|Create Proxy AI Model: Use Pre-Trained Model
AML.T0006|AML.TA0002|realized|Active Scanning
AML.T0007|AML.TA0008|demonstrated|Discover AI Artifacts
AML.T0008|AML.TA0003|realized|Acquire Infrastructure
AML.T0008.000|AML.TA0003|demonstrated|Acquire Infrastructure: AI Development Workspaces
AML.T0008.001|AML.TA0003|realized|Acquire Infrastructure: Consumer Hardware
AML.T0008.002|AML.TA0003|demonstrated|Acquire Infrastructure: Domains
AML.T0008.003|AML.TA0003|demonstrated|Acquire Infrastructure: Physical Countermeasures
AML.T0008.004|AML.TA0003|feasible|Acquire Infrastructure: Serverless
AML.T0008.005|AML.TA0003|realized|Acquire Infrastructure: AI Service Proxies
AML.T0010|AML.TA0004|realized|AI Supply Chain Compromise
AML.T0010.000|AML.TA0004|feasible|AI Supply Chain Compromise: Hardware
AML.T0010.001|AML.TA0004|realized|AI Supply Chain Compromise: AI Software
AML.T0010.002|AML.TA0004|realized|AI Supply Chain Compromise: Data
AML.T0010.003|AML.TA0004|realized|AI Supply Chain Compromise: Model
AML.T0010.004|AML.TA0004|demonstrated|AI Supply Chain Compromise: Container Registry
AML.T0010.005|AML.TA0004|realized|AI Supply Chain Compromise: AI Agent Tool
AML.T0011|AML.TA0005|realized|User Execution
AML.T0011.000|AML.TA0005|realized|User Execution: Unsafe AI Artifacts
AML.T0011.001|AML.TA0005|realized|User Execution: Malicious Package
AML.T0011.002|AML.TA0005|realized|User Execution: Poisoned AI Agent Tool
AML.T0011.003|AML.TA0005|demonstrated|User Execution: Malicious Link
AML.T0012|AML.TA0004,AML.TA0012|realized|Valid Accounts
AML.T0013|AML.TA0008|demonstrated|Discover AI Model Ontology
AML.T0014|AML.TA0008|feasible|Discover AI Model Family
AML.T0015|AML.TA0004,AML.TA0007,AML.TA0011|realized|Evade AI Model
AML.T0016|AML.TA0003|realized|Obtain Capabilities
AML.T0016.000|AML.TA0003|realized|Obtain Capabilities: Adversarial AI Attack Implementations
AML.T0016.001|AML.TA0003|realized|Obtain Capabilities: Software Tools
AML.T0016.002|AML.TA0003|realized|Obtain Capabilities: Generative AI
AML.T0017|AML.TA0003|realized|Develop Capabilities
AML.T0017.000|AML.TA0003|demonstrated|Develop Capabilities: Adversarial AI Attacks
AML.T0018|AML.TA0006,AML.TA0001|realized|Manipulate AI Model
AML.T0018.000|AML.TA0006,AML.TA0001|demonstrated|Manipulate AI Model: Poison AI Model
AML.T0018.001|AML.TA0006,AML.TA0001|demonstrated|Manipulate AI Model: Modify AI Model Architecture
AML.T0018.002|AML.TA0006,AML.TA0001|realized|Manipulate AI Model: Embed Malware
AML.T0019|AML.TA0003|demonstrated|Publish Poisoned Datasets
AML.T0020|AML.TA0003,AML.TA0006|realized|Poison Training Data
AML.T0021|AML.TA0003|realized|Establish Accounts
AML.T0024|AML.TA0010|realized|Exfiltration via AI Inference API
AML.T0024.000|AML.TA0010|feasible|Exfiltration via AI Inference API: Infer Training Data Membership
AML.T0024.001|AML.TA0010|feasible|Exfiltration via AI Inference API: Invert AI Model
AML.T0024.002|AML.TA0010|realized|Exfiltration via AI Inference API: Extract AI Model
AML.T0025|AML.TA0010|realized|Exfiltration via Cyber Means
AML.T0029|AML.TA0011|demonstrated|Denial of AI Service
AML.T0031|AML.TA0011|realized|Erode AI Model Integrity
AML.T0034|AML.TA0011|feasible|Cost Harvesting
AML.T0034.000|AML.TA0011|feasible|Cost Harvesting: Excessive Queries
AML.T0034.001|AML.TA0011|feasible|Cost Harvesting: Resource-Intensive Queries
AML.T0034.002|AML.TA0011|feasible|Cost Harvesting: Agentic Resource Consumption
AML.T0035|AML.TA0009|realized|AI Artifact Collection
AML.T0036|AML.TA0009|realized|Data from Information Repositories
AML.T0037|AML.TA0009|realized|Data from Local System
AML.T0040|AML.TA0000|realized|AI Model Inference API Access
AML.T0041|AML.TA0000|demonstrated|Physical Environment Access
AML.T0042|AML.TA0001|demonstrated|Verify Attack
AML.T0043|AML.TA0001|realized|Craft Adversarial Data
AML.T0043.000|AML.TA0001|demonstrated|Craft Adversarial Data: White-Box Optimization
AML.T0043.001|AML.TA0001|demonstrated|Craft Adversarial Data: Black-Box Optimization
AML.T0043.002|AML.TA0001|demonstrated|Craft Adversarial Data: Black-Box Transfer
AML.T0043.003|AML.TA0001|realized|Craft Adversarial Data: Manual Modification
AML.T0043.004|AML.TA0001|demonstrated|Craft Adversarial Data: Insert Backdoor Trigger
AML.T0044|AML.TA0000|demonstrated|Full AI Model Access
AML.T0046|AML.TA0011|feasible|Spamming AI System with Chaff Data
AML.T0047|AML.TA0000|realized|AI-Enabled Product or Service
AML.T0048|AML.TA0011|realized|External Harms
AML.T0048.000|AML.TA0011|realized|External Harms: Financial Harm
AML.T0048.001|AML.TA0011|demonstrated|External Harms: Reputational Harm
AML.T0048.002|AML.TA0011|realized|External Harms: Societal Harm
AML.T0048.003|AML.TA0011|realized|External Harms: User Harm
AML.T0048.004|AML.TA0011|realized|External Harms: AI Intellectual Property Theft
AML.T0049|AML.TA0004|realized|Exploit Public-Facing Application
AML.T0050|AML.TA0005|demonstrated|Command and Scripting Interpreter
AML.T0051|AML.TA0005|realized|LLM Prompt Injection
AML.T0051.000|AML.TA0005|realized|LLM Prompt Injection: Direct
AML.T0051.001|AML.TA0005|demonstrated|LLM Prompt Injection: Indirect
AML.T0051.002|AML.TA0005|demonstrated|LLM Prompt Injection: Triggered
AML.T0052|AML.TA0004,AML.TA0015|realized|Phishing
AML.T0052.000|AML.TA0004,AML.TA0015|demonstrated|Phishing: Spearphishing via Social Engineering LLM
AML.T0052.001|AML.TA0004,AML.TA0015|feasible|Phishing: Deepfake-Assisted Phishing
AML.T0053|AML.TA0005,AML.TA0012|demonstrated|AI Agent Tool Invocation
AML.T0054|AML.TA0012,AML.TA0007|demonstrated|LLM Jailbreak
AML.T0055|AML.TA0013|realized|Unsecured Credentials
AML.T0056|AML.TA0010|feasible|Extract LLM System Prompt
AML.T0057|AML.TA0010|demonstrated|LLM Data Leakage
AML.T0058|AML.TA0003|realized|Publish Poisoned Models
AML.T0059|AML.TA0011|demonstrated|Erode Dataset Integrity
AML.T0060|AML.TA0003|demonstrated|Publish Hallucinated Entities
AML.T0061|AML.TA0006|demonstrated|LLM Prompt Self-Replication
AML.T0062|AML.TA0008|demonstrated|Discover LLM Hallucinations
AML.T0063|AML.TA0008|demonstrated|Discover AI Model Outputs
AML.T0064|AML.TA0002|demonstrated|Gather RAG-Indexed Targets
AML.T0065|AML.TA0003|realized|LLM Prompt Crafting
AML.T0066|AML.TA0003|demonstrated|Retrieval Content Crafting
AML.T0067|AML.TA0007|demonstrated|LLM Trusted Output Components Manipulation
AML.T0067.000|AML.TA0007|demonstrated|LLM Trusted Output Components Manipulation: Citations
AML.T0068|AML.TA0007|demonstrated|LLM Prompt Obfuscation
AML.T0069|AML.TA0008|demonstrated|Discover LLM System Information
AML.T0069.000|AML.TA0008|demonstrated|Discover LLM System Information: Special Character Sets
AML.T0069.001|AML.TA0008|demonstrated|Discover LLM System Information: System Instruction Keywords
AML.T0069.002|AML.TA0008|demonstrated|Discover LLM System Information: System Prompt
AML.T0070|AML.TA0006|demonstrated|RAG Poisoning
AML.T0071|AML.TA0007|demonstrated|False RAG Entry Injection
AML.T0072|AML.TA0014|realized|Reverse Shell
AML.T0073|AML.TA0007|realized|Impersonation
AML.T0074|AML.TA0007|realized|Masquerading
AML.T0075|AML.TA0008|realized|Cloud Service Discovery
AML.T0076|AML.TA0007|realized|Corrupt AI Model
AML.T0077|AML.TA0010|demonstrated|LLM Response Rendering
AML.T0078|AML.TA0004|demonstrated|Drive-by Compromise
AML.T0079|AML.TA0003|demonstrated|Stage Capabilities
AML.T0080|AML.TA0006|demonstrated|AI Agent Context Poisoning
AML.T0080.000|AML.TA0006|demonstrated|AI Agent Context Poisoning: Memory
AML.T0080.001|AML.TA0006|demonstrated|AI Agent Context Poisoning: Thread
AML.T0081|AML.TA0006,AML.TA0007|demonstrated|Modify AI Agent Configuration
AML.T0082|AML.TA0013|demonstrated|RAG Credential Harvesting
AML.T0083|AML.TA0013|demonstrated|Credentials from AI Agent Configuration
AML.T0084|AML.TA0008|demonstrated|Discover AI Agent Configuration
AML.T0084.000|AML.TA0008|demonstrated|Discover AI Agent Configuration: Embedded Knowledge
AML.T0084.001|AML.TA0008|demonstrated|Discover AI Agent Configuration: Tool Definitions
AML.T0084.002|AML.TA0008|demonstrated|Discover AI Agent Configuration: Activation Triggers
AML.T0084.003|AML.TA0008|demonstrated|Discover AI Agent Configuration: Call Chains
AML.T0085|AML.TA0009|demonstrated|Data from AI Services
AML.T0085.000|AML.TA0009|demonstrated|Data from AI Services: RAG Databases
AML.T0085.001|AML.TA0009|demonstrated|Data from AI Services: AI Agent Tools
AML.T0086|AML.TA0010|realized|Exfiltration via AI Agent Tool Invocation
AML.T0087|AML.TA0002|realized|Gather Victim Identity Information
AML.T0088|AML.TA0001|realized|Generate Deepfakes
AML.T0089|AML.TA0008|demonstrated|Process Discovery
AML.T0090|AML.TA0013|demonstrated|OS Credential Dumping
AML.T0091|AML.TA0015|demonstrated|Use Alternate Authentication Material
AML.T0091.000|AML.TA0015|demonstrated|Use Alternate Authentication Material: Application Access Token
AML.T0092|AML.TA0007|demonstrated|Manipulate User LLM Chat History
AML.T0093|AML.TA0004,AML.TA0006|demonstrated|Prompt Infiltration via Public-Facing Application
AML.T0094|AML.TA0007|demonstrated|Delay Execution of LLM Instructions
AML.T0095|AML.TA0002|demonstrated|Search Open Websites/Domains
AML.T0095.000|AML.TA0002|demonstrated|Search Open Websites/Domains: Code Repositories
AML.T0096|AML.TA0014|realized|AI Service API
AML.T0097|AML.TA0007|realized|Virtualization/Sandbox Evasion
AML.T0098|AML.TA0013|demonstrated|AI Agent Tool Credential Harvesting
AML.T0099|AML.TA0006|feasible|AI Agent Tool Data Poisoning
AML.T0100|AML.TA0005|demonstrated|AI Agent Clickbait
AML.T0101|AML.TA0011|realized|Data Destruction via AI Agent Tool Invocation
AML.T0102|AML.TA0001|realized|Generate Malicious Commands
AML.T0103|AML.TA0005|realized|Deploy AI Agent
AML.T0104|AML.TA0003|realized|Publish Poisoned AI Agent Tool
AML.T0105|AML.TA0012|demonstrated|Escape to Host
AML.T0106|AML.TA0013|demonstrated|Exploitation for Credential Access
AML.T0107|AML.TA0007|demonstrated|Exploitation for Defense Evasion
AML.T0108|AML.TA0014|demonstrated|AI Agent
AML.T0109|AML.TA0007|realized|AI Supply Chain Rug Pull
AML.T0110|AML.TA0006|realized|AI Agent Tool Poisoning
AML.T0111|AML.TA0007|demonstrated|AI Supply Chain Reputation Inflation
AML.T0112|AML.TA0011|demonstrated|Machine Compromise
AML.T0112.000|AML.TA0011|demonstrated|Machine Compromise: Local AI Agent
AML.T0112.001|AML.TA0011|feasible|Machine Compromise: AI Artifacts
"""
MITIGATIONS = """\
AML.M0000|Limit Public Release of Information
AML.M0001|Limit Model Artifact Release
AML.M0002|Passive AI Output Obfuscation
AML.M0003|Model Hardening
AML.M0004|Restrict Number of AI Model Queries
AML.M0005|Control Access to AI Models and Data at Rest
AML.M0006|Use Ensemble Methods
AML.M0007|Sanitize Training Data
AML.M0008|Validate AI Model
AML.M0009|Use Multi-Modal Sensors
AML.M0010|Input Restoration
AML.M0011|Restrict Library Loading
AML.M0012|Encrypt Sensitive Information
AML.M0013|Code Signing
AML.M0014|Verify AI Artifacts
AML.M0015|Adversarial Input Detection
AML.M0016|Vulnerability Scanning
AML.M0017|AI Model Distribution Methods
AML.M0018|User Training
AML.M0019|Control Access to AI Models and Data in Production
AML.M0020|Generative AI Guardrails
AML.M0021|Generative AI Guidelines
AML.M0022|Generative AI Model Alignment
AML.M0023|AI Bill of Materials
AML.M0024|AI Telemetry Logging
AML.M0025|Maintain AI Dataset Provenance
AML.M0026|Privileged AI Agent Permissions Configuration
AML.M0027|Single-User AI Agent Permissions Configuration
AML.M0028|AI Agent Tools Permissions Configuration
AML.M0029|Human In-the-Loop for AI Agent Actions
AML.M0030|Restrict AI Agent Tool Invocation on Untrusted Data
AML.M0031|Memory Hardening
AML.M0032|Segmentation of AI Agent Components
AML.M0033|Input and Output Validation for AI Agent Components
AML.M0034|Deepfake Detection
"""
